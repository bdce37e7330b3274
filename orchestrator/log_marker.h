#pragma once
/// The line by which a stage's part of a gang's log begins; the gang writes it, people's tools look
/// for it.

#include <algorithm>
#include <cstdint>
#include <string>

namespace reprise {

/// "== stage ID fence N: LABEL", in one line whatever the label holds.
inline std::string log_marker(const std::string& stage, std::int64_t fence, std::string label) {
  std::replace_if(
      label.begin(), label.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return "== stage " + stage + " fence " + std::to_string(fence) + ": " + label;
}

}  // namespace reprise
