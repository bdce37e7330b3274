#include "orchestrator/cli/allocation.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "orchestrator/child_process.h"

namespace reprise::cli {
namespace {

/// More than any site's KillWait or preemption grace that we could still use.
constexpr std::chrono::seconds kAxe{120};
constexpr int kRequeuesMax = 1000;  ///< A time limit too short for a single step must end too.
constexpr std::int64_t kCommandMs = 60000;

}  // namespace

void leave_allocation(const RunOutcome& outcome,
                      const std::function<void(const std::string&)>& note) {
  // Only as the job's own program: in an interactive allocation a person decides.
  const char* job = std::getenv("SLURM_JOB_ID");
  const char* own = std::getenv("REPRISE_ALLOCATION");
  if (!outcome.interrupted || job == nullptr || own == nullptr) return;
  if (!outcome.requeue) {
    std::this_thread::sleep_for(kAxe);
    return;
  }
  const char* restarts = std::getenv("SLURM_RESTART_COUNT");
  if (restarts != nullptr && std::atoi(restarts) >= kRequeuesMax) {
    note(std::string("requeued ") + restarts + " times: not again");
    return;
  }
  // Said before it is asked for: Slurm may end this process before scontrol's answer is here.
  note(std::string("asking Slurm to requeue job ") + job);
  const CommandEnd end = run_command_line({"scontrol", "requeue", job}, kCommandMs);
  if (end.exit_code != 0) {
    note("scontrol requeue " + std::string(job) + " failed: " + end.output);
    return;
  }
  std::this_thread::sleep_for(kAxe);
}

}  // namespace reprise::cli
