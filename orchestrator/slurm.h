#pragma once
/// The command lines that we give to Slurm and what we read from it. Pure: nothing is run here.
///
/// Every command is an argument array. The batch script is one constant file that executes its
/// arguments, so no text of a study ever becomes shell source or an #SBATCH line.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/launcher.h"

namespace reprise::slurm {

/// `exec "$@"`: what sbatch needs as a script.
inline constexpr std::string_view kBatchScript = "#!/bin/sh\nexec \"$@\"\n";

/// A gang as a step of the present allocation. `-K1`: without it the other ranks hang for ever when
/// one dies.
std::vector<std::string> step_words(const LaunchOptions& options, const std::string& gang);

/// A gang as a job of its own, which Slurm must not requeue: we submit a new one under a new name.
std::vector<std::string> pilot_words(const LaunchOptions& options, const std::string& gang,
                                     const std::string& script);

struct Allocation {
  std::string name;    ///< Of the job.
  std::string log;     ///< Of the coordinator.
  std::string script;  ///< File with kBatchScript.
  int gangs = 1;       ///< Gangs side by side in it; 0: room for the coordinator only.
};
/// One job that holds the coordinator (`command`) and, with srun, its gangs.
std::vector<std::string> allocation_words(const LaunchOptions& options,
                                          const Allocation& allocation,
                                          const std::vector<std::string>& command);

/// Errors: InvalidInput for an option of sbatch that we set ourselves or that is none.
std::map<std::string, std::string> parse_extra(const std::vector<std::string>& settings);

/// [A-Za-z0-9._-]{1,100}, every other character a dash: fit for a job's name.
std::string job_name(std::string_view text);

/// `squeue` for all our jobs, whatever their state.
std::vector<std::string> queue_words();

struct Job {
  std::string id, state, reason, name;
};
/// Lines "id|state|reason|name" of queue_words(); others are skipped (squeue mixes warnings in).
std::vector<Job> parse_queue(std::string_view text);

enum class JobPhase { Queued, Running, Ended, EndedBlameless, Held };
/// Held: it will never start by itself ("launch failed requeued held").
JobPhase phase_of(const Job& job);

/// The job's id from `sbatch --parsable` ("17", "17;cluster"); empty if there is none.
std::string parse_job_id(std::string_view output);

}  // namespace reprise::slurm
