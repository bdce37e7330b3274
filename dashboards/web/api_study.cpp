// Whole studies: their summary, their trials, their stages.
#include <algorithm>
#include <boost/json/array.hpp>
#include <map>
#include <set>

#include "dashboards/web/api.h"

namespace reprise::dashboards::web {
namespace {

namespace json = boost::json;

json::object counts(const std::map<std::string, std::int64_t>& by_state) {
  json::object object{{"done", 0}, {"running", 0}, {"failed", 0}, {"waiting", 0}};
  for (const auto& [state, count] : by_state) object[state] = count;
  return object;
}

json::array running_attempts(const StudyView& view) {
  json::array running;
  for (const StageView& stage : view.stages) {
    if (stage.state != "running") continue;
    json::object attempt = attempt_json(view.attempts[stage.attempts.back()]);
    attempt["label"] = stage.stage->label;
    attempt["kind"] = sweep::to_string(stage.stage->kind);
    attempt["steps"] = stage.stage->steps;
    running.push_back(std::move(attempt));
  }
  return running;
}

json::array problems(const StudyView& view) {
  json::array list;
  for (const StageView& stage : view.stages) {
    if (stage.state != "failed") continue;
    const db::AttemptRow& last = view.attempts[stage.attempts.back()];
    list.push_back({{"stage", stage.stage->id},
                    {"label", stage.stage->label},
                    {"kind", sweep::to_string(stage.stage->kind)},
                    {"attempts", stage.attempts.size()},
                    {"message", last.message},
                    {"time", last.ended}});
  }
  return list;
}

/// Distinct metric names, those of the paper's tables first.
std::vector<std::string> metric_names(const std::vector<std::vector<db::MetricSummary>>& metrics) {
  std::set<std::string> seen;
  for (const auto& row : metrics) {
    for (const db::MetricSummary& metric : row) seen.insert(metric.name);
  }
  std::vector<std::string> names;
  for (const char* first : {"PSNR", "SSIM"}) {
    if (seen.erase(first) > 0) names.emplace_back(first);
  }
  names.insert(names.end(), seen.begin(), seen.end());
  return names;
}

json::array metric_cells(const std::vector<std::string>& names,
                         const std::vector<db::MetricSummary>& metrics) {
  json::array cells;
  for (const std::string& name : names) {
    const auto found = std::find_if(metrics.begin(), metrics.end(),
                                    [&](const db::MetricSummary& m) { return m.name == name; });
    if (found == metrics.end()) {
      cells.emplace_back(nullptr);
    } else {
      cells.push_back(json::array{found->mean, found->std, found->count});
    }
  }
  return cells;
}

json::object trial_json(const StudyView& view, std::size_t t) {
  const sweep::Trial& trial = view.plan.trials[t];
  json::object stages;
  std::set<std::string> distinct;
  std::int64_t steps = 0;
  std::int64_t steps_done = 0;
  double seconds = 0;
  for (const auto& [role, id] : trial.stages) {
    stages[role] = id;
    const StageView* stage = view.find(id);
    if (stage == nullptr || !distinct.insert(id).second) continue;
    steps += stage->stage->steps;
    if (stage->state == "done") steps_done += stage->stage->steps;
    for (const std::size_t i : stage->attempts) {
      const db::AttemptRow& attempt = view.attempts[i];
      if (attempt.ended != 0) seconds += static_cast<double>(attempt.ended - attempt.started) / 1e3;
    }
  }
  return {{"name", trial.name},
          {"row", trial.row},
          {"state", trial_state(view, trial)},
          {"stages", std::move(stages)},
          {"axes", json::array(view.axes.values[t].begin(), view.axes.values[t].end())},
          {"seconds", seconds},
          {"steps", steps},
          {"steps_done", steps_done}};
}

}  // namespace

json::object inputs_json(const sweep::Stage& stage) {
  json::object inputs;
  for (const auto& [role, id] : stage.inputs) inputs[role] = id;
  return inputs;
}

json::object attempt_json(const db::AttemptRow& attempt) {
  return {{"fence", attempt.fence},
          {"stage", attempt.stage},
          {"gang", attempt.gang},
          {"host", attempt.host},
          {"device", attempt.device},
          {"ranks", attempt.ranks},
          {"started", attempt.started},
          {"ended", attempt.ended == 0 ? json::value(nullptr) : json::value(attempt.ended)},
          {"outcome", attempt.outcome},
          {"message", attempt.message}};
}

json::object study_summary(const StudyView& view) {
  std::map<std::string, std::int64_t> trials;
  for (const sweep::Trial& trial : view.plan.trials) ++trials[trial_state(view, trial)];
  std::map<std::string, std::int64_t> stages;
  for (const StageView& stage : view.stages) ++stages[stage.state];
  const Cost cost = cost_of(view);
  json::array tables;
  for (const sweep::TableSpec& table : view.plan.tables) tables.emplace_back(table.name);
  return {{"study", view.name},
          {"title", view.title},
          {"planned_at", view.planned_at},
          {"trials", counts(trials)},
          {"stages", counts(stages)},
          {"steps",
           {{"total", cost.steps_total}, {"done", cost.steps_done}, {"alone", cost.steps_alone}}},
          {"seconds",
           {{"spent", cost.seconds_spent},
            {"saved", cost.seconds_saved},
            {"left", cost.seconds_left ? json::value(*cost.seconds_left) : json::value(nullptr)}}},
          {"running", running_attempts(view)},
          {"problems", problems(view)},
          {"tables", std::move(tables)}};
}

json::object study_trials(const StudyView& view,
                          const std::vector<std::vector<db::MetricSummary>>& metrics) {
  const std::vector<std::string> names = metric_names(metrics);
  json::array trials;
  for (std::size_t t = 0; t < view.plan.trials.size(); ++t) {
    json::object trial = trial_json(view, t);
    trial["metrics"] = metric_cells(names, metrics.at(t));
    trials.push_back(std::move(trial));
  }
  return {{"study", view.name},
          {"title", view.title},
          {"axes", json::array(view.axes.names.begin(), view.axes.names.end())},
          {"metrics", json::array(names.begin(), names.end())},
          {"trials", std::move(trials)}};
}

json::object study_stages(const StudyView& view) {
  json::array stages;
  for (const StageView& stage : view.stages) {
    stages.push_back({{"id", stage.stage->id},
                      {"kind", sweep::to_string(stage.stage->kind)},
                      {"label", stage.stage->label},
                      {"dataset", stage.stage->dataset},
                      {"steps", stage.stage->steps},
                      {"state", stage.state},
                      {"inputs", inputs_json(*stage.stage)},
                      {"users", stage.users},
                      {"committed", stage.committed},
                      {"attempts", stage.attempts.size()}});
  }
  json::array attempts;
  for (const db::AttemptRow& attempt : view.attempts) attempts.push_back(attempt_json(attempt));
  return {{"study", view.name}, {"stages", std::move(stages)}, {"attempts", std::move(attempts)}};
}

}  // namespace reprise::dashboards::web
