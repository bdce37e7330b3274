#include "orchestrator/actions.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <set>

#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise {
namespace {

namespace json = boost::json;

constexpr std::size_t kWhoBytesMax = 128;
constexpr std::size_t kPrefixMin = 6;
constexpr std::int64_t kPriorityMax = 1000;

json::object body_of(const web::Call& call, const std::vector<std::string>& known) {
  if (call.body.empty()) return {};
  json::error_code code;
  json::value value = json::parse(call.body, code);
  if (code || !value.is_object()) throw_invalid("body: not a JSON object");
  for (const auto& [key, unused] : value.get_object()) {
    const std::string name(key);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw_invalid("body, key \"" + name + "\": unknown" + sweep::nearest_hint(name, known));
    }
  }
  return std::move(value.get_object());
}

std::string text_at(const json::object& body, const char* key) {
  const json::value* value = body.if_contains(key);
  if (value == nullptr) return {};
  if (!value->is_string()) throw_invalid("body, key " + std::string(key) + ": not a text");
  return std::string(value->get_string());
}

/// "NAME at ADDRESS", without what could forge a line of a log.
std::string who_of(const json::object& body, const web::Call& call) {
  std::string who = text_at(body, "who");
  if (who.size() > kWhoBytesMax) throw_invalid("body, key who: longer than 128 bytes");
  std::replace_if(
      who.begin(), who.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return (who.empty() ? std::string("somebody") : who) + " at " + call.peer;
}

using Plans = std::vector<const sweep::Plan*>;

std::string resolve(const std::string& prefix, const Plans& plans) {
  if (prefix.size() < kPrefixMin) {
    throw_invalid("body, key stages, \"" + prefix + "\": want at least 6 digits of a stage's id");
  }
  std::string found;
  for (const sweep::Plan* plan : plans) {
    for (const sweep::Stage& stage : plan->stages) {
      if (!stage.id.starts_with(prefix) || stage.id == found) continue;
      if (!found.empty()) throw_invalid("body, key stages, \"" + prefix + "\": fits more than one");
      found = stage.id;
    }
  }
  if (found.empty()) throw_invalid("body, key stages, \"" + prefix + "\": no stage of that id");
  return found;
}

/// The stages of a trial that no other trial needs; the others' work goes on.
void add_trial(const std::string& name, const Plans& plans, std::set<std::string>& ids) {
  std::set<std::string> own;
  std::set<std::string> others;
  std::vector<std::string> names;
  bool there = false;
  for (const sweep::Plan* plan : plans) {
    for (const sweep::Trial& trial : plan->trials) {
      names.push_back(trial.name);
      for (const auto& [role, id] : trial.stages) (trial.name == name ? own : others).insert(id);
      there = there || trial.name == name;
    }
  }
  if (!there) {
    throw_invalid("body, key trial, \"" + name + "\": no trial of that name" +
                  sweep::nearest_hint(name, names));
  }
  std::set_difference(own.begin(), own.end(), others.begin(), others.end(),
                      std::inserter(ids, ids.end()));
  if (ids.empty()) {
    throw_invalid("body, key trial, \"" + name + "\": other trials need all of its stages");
  }
}

std::vector<std::string> selection(const json::object& body, const Plans& plans) {
  std::set<std::string> ids;
  if (const json::value* stages = body.if_contains("stages")) {
    if (!stages->is_array()) throw_invalid("body, key stages: not a list of stage ids");
    for (const json::value& id : stages->get_array()) {
      if (!id.is_string()) throw_invalid("body, key stages: not a list of stage ids");
      ids.insert(resolve(std::string(id.get_string()), plans));
    }
  }
  if (const std::string trial = text_at(body, "trial"); !trial.empty())
    add_trial(trial, plans, ids);
  if (const std::string study = text_at(body, "study"); !study.empty()) {
    std::vector<std::string> names;
    for (const sweep::Plan* plan : plans) {
      names.push_back(plan->study);
      if (plan->study != study) continue;
      for (const sweep::Stage& stage : plan->stages) ids.insert(stage.id);
    }
    if (ids.empty()) {
      throw_invalid("body, key study, \"" + study + "\": not a study of this coordinator" +
                    sweep::nearest_hint(study, names));
    }
  }
  if (ids.empty()) throw_invalid("body: want \"stages\", \"trial\" or \"study\"");
  return {ids.begin(), ids.end()};
}

std::string listed(const std::vector<std::string>& ids) {
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : " ") + id.substr(0, 12);
  return text;
}

}  // namespace

const std::vector<std::string>& action_names() {
  static const std::vector<std::string> names{"cancel",     "drain",  "pause",
                                              "prioritise", "resume", "retry"};
  return names;
}

ActionRequest parse_action(std::string_view name, const web::Call& call, const Plans& plans) {
  const json::object body = body_of(call, {"who", "stages", "trial", "study", "priority"});
  ActionRequest request{core::PauseRequested{}, std::string(name), "", who_of(body, call)};
  if (name == "pause") return request;
  if (name == "resume") {
    request.event = core::ResumeRequested{};
    return request;
  }
  if (name == "drain") {
    request.event = core::DrainRequested{};
    return request;
  }
  const std::vector<std::string> stages = selection(body, plans);
  request.text = listed(stages);
  if (name == "cancel") {
    request.event = core::CancelRequested{stages};
  } else if (name == "retry") {
    request.event = core::RetryRequested{stages};
  } else if (name == "prioritise") {
    const json::value* priority = body.if_contains("priority");
    if (priority == nullptr || !priority->is_int64() || priority->get_int64() < -kPriorityMax ||
        priority->get_int64() > kPriorityMax) {
      throw_invalid("body, key priority: want an integer from -1000 to 1000");
    }
    request.text += ": " + std::to_string(priority->get_int64());
    request.event = core::PriorityRequested{stages, static_cast<int>(priority->get_int64())};
  } else {
    throw_invalid("action \"" + std::string(name) + "\": unknown" +
                  sweep::nearest_hint(std::string(name), action_names()));
  }
  return request;
}

StudyRequest parse_study_request(const web::Call& call) {
  const json::object body = body_of(call, {"who", "text"});
  StudyRequest request{text_at(body, "text"), who_of(body, call)};
  if (request.text.empty()) throw_invalid("body, key text: want the text of a study file");
  return request;
}

}  // namespace reprise
