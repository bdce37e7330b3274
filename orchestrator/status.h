#pragma once
/// What GET /status answers, and the sum of a run.

#include <string>
#include <vector>

#include "orchestrator/coordinator.h"
#include "orchestrator/core.h"

namespace reprise {

/// {"study", "stages": [...], "gangs": [{"name", "state"}]}; what is not finite becomes null.
std::string status_json(const std::string& study, const std::vector<StageStatus>& stages,
                        const std::vector<core::GangView>& gangs);

/// [{"time" (Unix milliseconds), "kind", "text", "who"}], as they come.

/// What /api/live sends: {"revision", "study", "paused", "draining", "counts": {state: n},
/// "stages": those that run, "gangs"}. Pages ask again for what they show when `revision` changes.
std::string live_json(const std::string& study, std::int64_t revision,
                      const std::vector<StageStatus>& stages, const core::Core& core);

RunOutcome outcome_of(const std::vector<core::StageView>& stages, bool interrupted);

}  // namespace reprise
