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

/// [{"time" (Unix milliseconds), "kind", "text", "who"}], as they come.
std::string events_json(const std::vector<db::EventRow>& events);

RunOutcome outcome_of(const std::vector<core::StageView>& stages, bool interrupted);

}  // namespace reprise
