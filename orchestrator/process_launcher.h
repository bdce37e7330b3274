#pragma once
/// Gangs that are child processes of the coordinator: `mpirun`, or `srun` inside an allocation.

#include <sys/types.h>

#include "orchestrator/launcher.h"

namespace reprise {

/// mpirun with one rank's words for each rank.
std::vector<std::string> mpirun_words(const LaunchOptions& options, const std::string& gang);

/// Each gang has its own process group and its own log; it dies with the coordinator.
class ProcessLauncher final : public Launcher {
 public:
  using Words = std::vector<std::string> (*)(const LaunchOptions&, const std::string& gang);

  ProcessLauncher(LaunchOptions options, Words words)
      : options_(std::move(options)), words_(words) {}
  /// Kills what is left.
  ~ProcessLauncher() override;
  ProcessLauncher(const ProcessLauncher&) = delete;
  ProcessLauncher& operator=(const ProcessLauncher&) = delete;
  ProcessLauncher(ProcessLauncher&&) = delete;
  ProcessLauncher& operator=(ProcessLauncher&&) = delete;

  void launch(const std::string& gang, int ranks, const std::vector<int>& devices,
              std::int64_t now_ms) override;
  /// SIGUSR1 (mpirun and srun forward it; rank 0 checkpoints and leaves), then SIGTERM (mpirun
  /// kills its ranks one second later, whatever they do), then SIGKILL for the whole tree.
  void kill(const std::string& gang, std::int64_t now_ms) override;
  std::vector<LaunchEvent> poll(std::int64_t now_ms,
                                const std::set<std::string>& connected) override;

 private:
  struct Process {
    pid_t pid = -1;
    int signals = 0;  ///< How many steps of the escalation were taken.
    std::int64_t next_at = 0;
  };
  static void escalate(Process& process, std::int64_t now_ms);

  LaunchOptions options_;
  Words words_;
  std::map<std::string, Process> processes_;
};

}  // namespace reprise
