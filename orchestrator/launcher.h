#pragma once
/// Starts gangs on this machine with mpirun and makes sure that they end.
///
/// Each gang has its own process group and its own log; it dies with the coordinator. Not
/// thread-safe: the thread that launches must live as long as the gangs do.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace reprise {

struct LaunchOptions {
  std::filesystem::path workspace, worker_binary;
  int ranks = 1, threads = 1;
  std::string device = "cpu";
};

struct GangExit {
  std::string gang;
  std::string reason;  ///< "exit 1", "signal 9": and the log's path.
};

class Launcher {
 public:
  explicit Launcher(LaunchOptions options) : options_(std::move(options)) {}
  /// Kills what is left.
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;
  Launcher(Launcher&&) = delete;
  Launcher& operator=(Launcher&&) = delete;

  /// Errors: Unavailable, Exhausted.
  void launch(const std::string& gang);
  /// SIGTERM now; `tick` follows with SIGKILL for the whole tree of processes.
  void kill(const std::string& gang, std::int64_t now_ms);
  void tick(std::int64_t now_ms);
  /// The gangs that ended since the last call.
  std::vector<GangExit> reap();
  [[nodiscard]] std::filesystem::path log_file(const std::string& gang) const;

 private:
  struct Process {
    pid_t pid = -1;
    std::int64_t kill_at = 0;  ///< 0: not being killed.
  };
  [[nodiscard]] std::vector<std::string> command(const std::string& gang) const;

  LaunchOptions options_;
  std::map<std::string, Process> processes_;
};

}  // namespace reprise
