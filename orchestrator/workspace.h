#pragma once
/// What makes a workspace one coordinator's: its lock, its secret and where it listens.

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

/// Where a coordinator listens, and its secrets: `token` may act, `view_token` may only look.
struct CoordinatorAddress {
  std::string host;
  int port = 0;
  std::string token, view_token;
  int pid = 0;
};

/// WORKSPACE/coordinator.json, readable by its owner only.
void write_coordinator_file(const std::filesystem::path& workspace,
                            const CoordinatorAddress& address);
/// Errors: InvalidInput if no coordinator runs there, Corrupt.
CoordinatorAddress read_coordinator_file(const std::filesystem::path& workspace);
void remove_coordinator_file(const std::filesystem::path& workspace);

}  // namespace reprise
