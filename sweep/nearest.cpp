#include "sweep/nearest.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace reprise::sweep {
namespace {

/// Levenshtein distance, case ignored: a name in the wrong case is the likeliest slip.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_hint(std::string_view name, std::span<const std::string> candidates) {
  if (candidates.empty()) return "";
  const auto best = std::min_element(candidates.begin(), candidates.end(),
                                     [&](const std::string& a, const std::string& b) {
                                       return edit_distance(name, a) < edit_distance(name, b);
                                     });
  const std::size_t distance = edit_distance(name, *best);
  if (distance < name.size() && distance <= std::max<std::size_t>(2, name.size() / 3)) {
    return "; did you mean \"" + *best + "\"?";
  }
  std::string all;
  for (const std::string& candidate : candidates) all += (all.empty() ? "" : ", ") + candidate;
  return "; valid: " + all;
}

}  // namespace reprise::sweep
