#pragma once
/// The one way Reprise reports failure: it throws `Error`, whose code says what the caller may do.
///
/// Text has the form "what, where: hint", in one line, and names the file, key and value at fault.
/// Bugs are not errors: `REPRISE_CHECK` stops the program in every build type. It is never used on
/// user input or on bytes from a peer.

#include <stdexcept>
#include <string>
#include <string_view>

namespace reprise {

/// What a failure means for whoever catches it. The numbers are the exit codes of the program.
enum class ErrorCode : int {
  Internal = 1,      ///< A bug of ours.
  InvalidInput = 2,  ///< A wrong argument, study or configuration: do not retry.
  Corrupt = 3,       ///< Damaged or foreign data: do not retry, keep the bytes.
  TrialFailed = 4,   ///< Work ended, but some stages failed for good.
  Unavailable = 5,   ///< The environment (port, disk, lock, peer): may work later or elsewhere.
  Exhausted = 6,     ///< Out of memory or disk: may work with more.
};

/// Name of a code as it stands in the database and on the wire ("invalid-input", "corrupt", ...).
std::string_view to_string(ErrorCode code);

/// Inverse of `to_string`; unknown names become `Internal`.
ErrorCode error_code_from(std::string_view name);

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& text) : std::runtime_error(text), code_(code) {}
  [[nodiscard]] ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

/// Shorthand for the two most common throws; control characters of `text` become escapes (\n).
[[noreturn]] void throw_invalid(const std::string& text);
[[noreturn]] void throw_corrupt(const std::string& text);

namespace detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define REPRISE_CHECK(condition) \
  ((condition) ? (void)0 : ::reprise::detail::check_failed(#condition, __FILE__, __LINE__))

}  // namespace reprise
