#pragma once
/// "did you mean ...?": the nearest valid name to a mistyped one.

#include <span>
#include <string>
#include <string_view>

namespace reprise::sweep {

/// ` did you mean "X"?` for the candidate within two edits or a third of the name's length, else
/// the list of all candidates: ` valid: a, b, c`. Empty for no candidates.
std::string nearest_hint(std::string_view name, std::span<const std::string> candidates);

}  // namespace reprise::sweep
