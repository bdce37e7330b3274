#include "dashboards/costs.h"

#include <boost/json.hpp>
#include <set>

namespace reprise::dashboards {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

double number_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0.0;
}

StageCost cost_of(const db::Store& store, const sweep::Stage& stage) {
  StageCost cost;
  cost.stage = &stage;
  for (const db::AttemptRow& attempt : store.attempts(stage.id)) {
    if (attempt.outcome == "handed-back") continue;
    ++cost.attempts;
    if (attempt.outcome == "done" || attempt.ended == 0) continue;
    cost.lost_seconds +=
        static_cast<double>(attempt.ended - attempt.started) / 1000.0 * attempt.ranks;
  }
  const auto result = store.result(stage.id);
  if (!result) return cost;
  cost.done = true;
  const json::value* provenance = result->if_contains("provenance");
  if (provenance == nullptr || !provenance->is_object()) return cost;
  const json::object& object = provenance->get_object();
  cost.seconds = number_of(object, "device_seconds");
  cost.host = text_of(object, "host");
  cost.device = text_of(object, "device");
  cost.torch = text_of(object, "torch");
  cost.ranks = static_cast<int>(number_of(object, "ranks"));
  return cost;
}

/// The stages of a trial with all that they need.
class Needs {
 public:
  explicit Needs(const sweep::Plan& plan) {
    for (const sweep::Stage& stage : plan.stages) stages_[stage.id] = &stage;
  }

  // NOLINTNEXTLINE(misc-no-recursion): chains are as long as pretrain, fine-tune, evaluate.
  void add(const std::string& id, std::set<std::string>& needed) const {
    if (!needed.insert(id).second) return;
    for (const auto& [role, input] : stages_.at(id)->inputs) add(input, needed);
  }

 private:
  std::map<std::string, const sweep::Stage*> stages_;
};

}  // namespace

Costs costs_of(const db::Store& store, const sweep::Plan& plan) {
  Costs costs;
  std::map<std::string, double> seconds;
  for (const sweep::Stage& stage : plan.stages) {
    costs.stages.push_back(cost_of(store, stage));
    const StageCost& cost = costs.stages.back();
    seconds[stage.id] = cost.seconds;
    costs.spent += cost.seconds;
    costs.lost += cost.lost_seconds;
  }
  const Needs needs(plan);
  std::map<std::string, std::set<std::string>> tables;
  for (const sweep::Trial& trial : plan.trials) {
    std::set<std::string> needed;
    for (const auto& [role, id] : trial.stages) needs.add(id, needed);
    for (const std::string& id : needed) costs.each_trial_alone += seconds.at(id);
    // In a folder of studies a trial is called STUDY.TRIAL.
    const std::size_t dot = trial.name.find('.');
    tables[dot == std::string::npos ? "" : trial.name.substr(0, dot)].merge(needed);
  }
  for (const auto& [table, needed] : tables) {
    for (const std::string& id : needed) costs.each_table_alone += seconds.at(id);
  }
  return costs;
}

}  // namespace reprise::dashboards
