#pragma once
/// The JSON at the head of a safetensors file.

#include <string>
#include <string_view>

#include "sweep/safetensors_index.h"

namespace reprise::sweep {

/// Throws Corrupt: "NAME: not a safetensors file: WHAT".
[[noreturn]] void fail_safetensors(const std::string& name, const std::string& what);

/// Adds the entries and metadata of a header to `index`. Only their form is checked, not where they
/// lie. `name` stands in errors. Errors: Corrupt.
void parse_safetensors_header(std::string_view header, SafetensorsIndex& index,
                              const std::string& name);

}  // namespace reprise::sweep
