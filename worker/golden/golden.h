#pragma once
/// `reprise golden DIR`: checks every recorded file of a folder that it has never seen.

#include <filesystem>
#include <ostream>
#include <string>

#include "worker/golden/golden_file.h"

namespace reprise::golden {

struct FileReport {
  std::string file, kind;
  Comparisons comparisons;
  std::string reason;  ///< Why the file could not be followed; empty where it could.
  [[nodiscard]] bool passed() const { return reason.empty() && comparisons.passed(); }
};

/// Never throws for what is in the file: damage and unknown kinds are a report that did not pass.
FileReport check_file(const std::filesystem::path& path);

/// "ok    rdst_a.safetensors  rdst-e  162 values; y.x0: error 3.1e-07, tolerance 2e-05".
std::string to_line(const FileReport& report);

/// One line for each .safetensors file, in the order of their names, then a summary. Returns
/// whether all passed. Errors: InvalidInput for a folder that is missing or has no such file.
bool check_folder(const std::filesystem::path& folder, std::ostream& out);

}  // namespace reprise::golden
