#pragma once
/// How a coordinator that runs inside a Slurm job ends together with it.

#include <functional>
#include <string>

#include "orchestrator/coordinator.h"

namespace reprise::cli {

/// After an interrupted run inside a Slurm job. On the time limit's signal the job is requeued, so
/// that it goes on later. On SIGTERM (preemption, scancel) it waits to be killed: a job that ended
/// by itself meanwhile would not be requeued by Slurm. Does nothing outside Slurm.
void leave_allocation(const RunOutcome& outcome,
                      const std::function<void(const std::string&)>& note);

}  // namespace reprise::cli
