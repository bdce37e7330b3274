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
std::string events_json(const std::vector<db::EventRow>& events);

RunOutcome outcome_of(const std::vector<core::StageView>& stages, bool interrupted);

}  // namespace reprise
