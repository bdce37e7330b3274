#pragma once
/// What people may ask of a running coordinator, as it comes over HTTP: POST /api/actions/NAME.
///
/// The body is a JSON object, all keys optional unless said otherwise:
///
///   "who"       the person; at most 128 bytes, recorded with the address in the events table
///   "stages"    ids of stages, or prefixes of at least 6 digits that fit one stage only
///   "trial"     name of a trial: its own stages, those that only this trial needs
///   "study"     name of a study: all its stages
///   "priority"  integer from -1000 to 1000 (prioritise: required)
///   "text"      a study file's text (add-study: required)
///
/// NAME is one of pause, resume, drain (no selection), cancel, retry, prioritise (a selection is
/// required) and add-study.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/core.h"
#include "orchestrator/routes.h"
#include "sweep/plan.h"

namespace reprise {

/// A request that was understood. `text` says in one line what was asked, for the events table.
struct ActionRequest {
  core::Event event;
  std::string kind, text, who;
};

/// The names of the actions that become events of the core, in alphabetical order.
const std::vector<std::string>& action_names();

/// Errors: InvalidInput naming the key at fault.
ActionRequest parse_action(std::string_view name, const web::Call& call,
                           const std::vector<const sweep::Plan*>& plans);

/// The body of add-study.
struct StudyRequest {
  std::string text, who;
};
StudyRequest parse_study_request(const web::Call& call);

}  // namespace reprise
