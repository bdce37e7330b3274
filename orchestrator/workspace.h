#pragma once
/// What makes a workspace one coordinator's: its lock and its secret.

#include <filesystem>
#include <string>
#include <string_view>

namespace reprise {

/// An flock on WORKSPACE/lock, held while it lives; the kernel frees it however the process ends.
class WorkspaceLock {
 public:
  /// Errors: Unavailable if another process holds it.
  explicit WorkspaceLock(const std::filesystem::path& workspace);
  ~WorkspaceLock();
  WorkspaceLock(const WorkspaceLock&) = delete;
  WorkspaceLock& operator=(const WorkspaceLock&) = delete;
  WorkspaceLock(WorkspaceLock&&) = delete;
  WorkspaceLock& operator=(WorkspaceLock&&) = delete;

 private:
  int fd_ = -1;
};

/// 256 random bits as hexadecimal digits.
std::string random_token();

/// Compares in a time that depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace reprise
