#pragma once
/// Gangs as Slurm jobs of their own.
///
/// Slurm may forget an accepted job and give its id to another one, so jobs are found by name, and
/// a job that neither the queue nor a line to its gang has shown for `vanish_ms` is given up. A
/// late copy of it is told to leave when it says Hello. Commands run beside the coordinator, one at
/// a time, under a deadline.
///
/// WORKSPACE/slurm/pilots holds a file for each gang that may be known to Slurm, durable before
/// sbatch is called. What an earlier coordinator left there is cancelled, so that jobs which could
/// only be told to leave do not wait in the queue.

#include <deque>
#include <optional>

#include "orchestrator/child_process.h"
#include "orchestrator/launcher.h"
#include "orchestrator/slurm.h"

namespace reprise {

class PilotLauncher final : public Launcher {
 public:
  /// Queues the cancelling of an earlier coordinator's pilots. Errors: Unavailable if the workspace
  /// cannot be written.
  explicit PilotLauncher(LaunchOptions options);

  /// Makes the intent durable and queues the submission.
  void launch(const std::string& gang, int ranks, const std::vector<int>& devices,
              std::int64_t now_ms) override;
  /// scancel: SIGTERM to the ranks, SIGKILL after the site's KillWait.
  void kill(const std::string& gang, std::int64_t now_ms) override;
  std::vector<LaunchEvent> poll(std::int64_t now_ms,
                                const std::set<std::string>& connected) override;

 private:
  struct Pilot {
    std::string job;        ///< Empty until sbatch or the queue named it.
    std::int64_t seen = 0;  ///< When the queue or its line showed it last.
    bool submitting = false;
    bool started = false;
    bool killed = false;
  };
  enum class Task : std::uint8_t { Submit, Cancel, Look };
  struct Errand {
    Task task = Task::Look;
    std::string gang;
  };

  using Pilots = std::map<std::string, Pilot>;
  void cancel_left_over();
  void forget(const std::string& gang);
  Pilots::iterator end(Pilots::iterator pilot);
  void start_errand(std::int64_t now_ms);
  void finish_errand(const CommandEnd& end, std::int64_t now_ms, std::vector<LaunchEvent>& events);
  void take_submission(const std::string& gang, const CommandEnd& end,
                       std::vector<LaunchEvent>& events);
  void take_queue(const std::string& text, std::int64_t now_ms, std::vector<LaunchEvent>& events);
  void take_job(const slurm::Job& job, std::int64_t now_ms, std::vector<LaunchEvent>& events);

  LaunchOptions options_;
  std::filesystem::path script_;
  std::filesystem::path intents_;
  Pilots pilots_;
  std::deque<Errand> errands_;
  Errand running_;  ///< What `command_` does.
  std::optional<Command> command_;
  std::int64_t next_look_ = 0;
};

}  // namespace reprise
