#include "sweep/error.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace reprise {
namespace {
constexpr std::array<std::pair<ErrorCode, std::string_view>, 6> kNames{{
    {ErrorCode::Internal, "internal"},
    {ErrorCode::InvalidInput, "invalid-input"},
    {ErrorCode::Corrupt, "corrupt"},
    {ErrorCode::TrialFailed, "trial-failed"},
    {ErrorCode::Unavailable, "unavailable"},
    {ErrorCode::Exhausted, "exhausted"},
}};

/// Names and values in an error come from files: a terminal or a log must not obey what is in them.
std::string in_one_line(const std::string& text) {
  std::string line;
  line.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool second_set = c == 0xc2 && next >= 0x80 && next < 0xa0;  // C1, in UTF-8.
    if (c == '\n') {
      line += "\\n";
    } else if (c < 0x20 || c == 0x7f || second_set) {
      std::array<char, 8> escape{};
      (void)std::snprintf(escape.data(), escape.size(), "\\u%04x", second_set ? next : c);
      line += escape.data();
      if (second_set) ++i;
    } else {
      line += text[i];
    }
  }
  return line;
}
}  // namespace

std::string_view to_string(ErrorCode code) {
  for (const auto& [value, name] : kNames) {
    if (value == code) return name;
  }
  return "internal";
}

ErrorCode error_code_from(std::string_view name) {
  for (const auto& [value, text] : kNames) {
    if (text == name) return value;
  }
  return ErrorCode::Internal;
}

void throw_invalid(const std::string& text) {
  throw Error(ErrorCode::InvalidInput, in_one_line(text));
}
void throw_corrupt(const std::string& text) { throw Error(ErrorCode::Corrupt, in_one_line(text)); }

namespace detail {
void check_failed(const char* condition, const char* file, int line) {
  (void)std::fprintf(stderr, "%s:%d: this is a bug in Reprise: %s does not hold\n", file, line,
                     condition);
  std::abort();
}
}  // namespace detail
}  // namespace reprise
