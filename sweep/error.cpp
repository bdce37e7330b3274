#include "sweep/error.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "sweep/printable.h"

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
  throw Error(ErrorCode::InvalidInput, printable(text));
}
void throw_corrupt(const std::string& text) { throw Error(ErrorCode::Corrupt, printable(text)); }

namespace detail {
void check_failed(const char* condition, const char* file, int line) {
  (void)std::fprintf(stderr, "%s:%d: this is a bug in Reprise: %s does not hold\n", file, line,
                     condition);
  std::abort();
}
}  // namespace detail
}  // namespace reprise
