#pragma once
/// What GET /status answers, and the sum of a run.

#include <string>
#include <vector>

#include "orchestrator/coordinator.h"
#include "orchestrator/core.h"

namespace reprise {

/// {"study", "paused", "draining", "stopping", "counts": {state: n}, "stages": [{"id", "label",
/// "kind", "state", "gang", "progress", "progress_end", "loss", "steps_per_second", "priority",
/// "failures", "losses", "message", "reused"}], "gangs": [{"name", "host", "state", "ranks",
/// "connected", "stage", "queued"}]}; what is not finite becomes null.
std::string status_json(const std::string& study, const std::vector<StageStatus>& stages,
                        const core::Core& core);

/// What /api/live sends: as above, with "revision", and of the stages only those that run. Pages
/// ask again for what they show when `revision` changes.
std::string live_json(const std::string& study, std::int64_t revision,
                      const std::vector<StageStatus>& stages, const core::Core& core);

RunOutcome outcome_of(const std::vector<core::StageView>& stages, bool interrupted);

}  // namespace reprise
