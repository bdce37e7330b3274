#include "dashboards/web/study_view.h"

#include <algorithm>
#include <set>

#include "sweep/cost_book.h"

namespace reprise::dashboards::web {
namespace {

/// The stages of a trial, each once.
std::set<std::string> distinct_stages(const sweep::Trial& trial) {
  std::set<std::string> ids;
  for (const auto& [role, id] : trial.stages) ids.insert(id);
  return ids;
}

/// As on the device that was measured last.
void expect_seconds(std::vector<StageView>& stages, const std::vector<sweep::CostSample>& samples) {
  const auto setting = sweep::newest_setting(samples);
  if (!setting) return;
  sweep::CostBook book(samples, *setting);
  for (StageView& stage : stages) {
    if (stage.state == "done") continue;
    const sweep::CostEstimate estimate = book.estimate(*stage.stage);
    const bool is_known = estimate.basis != sweep::CostBasis::Modelled;
    if (is_known || !sweep::is_training(stage.stage->kind)) {
      stage.expected_seconds = estimate.seconds;
    }
  }
}

double seconds_of(const db::AttemptRow& attempt) {
  return attempt.ended == 0 ? 0 : static_cast<double>(attempt.ended - attempt.started) / 1000;
}

}  // namespace

std::string state_without_result(const db::AttemptRow* last) {
  if (last == nullptr) return "waiting";
  const std::string& outcome = last->outcome;
  if (outcome.empty()) return "running";
  if (outcome == "revoked" && last->message == "cancelled") return "waiting";
  return outcome == "failed" || outcome == "lost" || outcome == "revoked" ? "failed" : "waiting";
}

const StageView* StudyView::find(const std::string& stage) const {
  const auto found = index.find(stage);
  return found == index.end() ? nullptr : &stages[found->second];
}

std::optional<StudyView> load_study_view(const db::Store& store, const std::string& study) {
  auto plan = store.plan(study);
  if (!plan) return std::nullopt;
  StudyView view;
  view.name = study;
  view.planned_at = store.planned_at(study);
  view.plan = std::move(*plan);
  view.title = view.plan.title.empty() ? study : view.plan.title;
  view.axes = axes_of(view.plan);
  view.attempts = store.study_attempts(study);
  view.stages.resize(view.plan.stages.size());
  for (std::size_t i = 0; i < view.stages.size(); ++i) {
    view.stages[i].stage = &view.plan.stages[i];
    view.index[view.plan.stages[i].id] = i;
  }
  for (const auto& [id, time] : store.done_stages(study)) {
    view.stages[view.index.at(id)].committed = time;
  }
  for (std::size_t i = 0; i < view.attempts.size(); ++i) {
    view.stages[view.index.at(view.attempts[i].stage)].attempts.push_back(i);
  }
  for (const sweep::Trial& trial : view.plan.trials) {
    for (const std::string& id : distinct_stages(trial)) {
      const auto found = view.index.find(id);
      if (found != view.index.end()) ++view.stages[found->second].users;
    }
  }
  for (StageView& stage : view.stages) {
    const auto* last = stage.attempts.empty() ? nullptr : &view.attempts[stage.attempts.back()];
    stage.state = stage.committed > 0 ? "done" : state_without_result(last);
  }
  expect_seconds(view.stages, store.cost_samples());
  return view;
}

std::string trial_state(const StudyView& view, const sweep::Trial& trial) {
  bool running = false;
  bool done = true;
  for (const auto& [role, id] : trial.stages) {
    const StageView* stage = view.find(id);
    if (stage == nullptr) continue;
    if (stage->state == "failed") return "failed";
    running = running || stage->state == "running";
    done = done && stage->state == "done";
  }
  return running ? "running" : done ? "done" : "waiting";
}

Cost cost_of(const StudyView& view) {
  Cost cost;
  cost.seconds_left = 0;
  for (const StageView& stage : view.stages) {
    const std::int64_t steps = stage.stage->steps;
    cost.steps_total += steps;
    cost.steps_alone += steps * std::max(1, stage.users);
    double seconds = 0;
    for (const std::size_t i : stage.attempts) seconds += seconds_of(view.attempts[i]);
    cost.seconds_spent += seconds;
    if (stage.state != "done") {
      if (!stage.expected_seconds) cost.seconds_left.reset();
      if (cost.seconds_left) *cost.seconds_left += *stage.expected_seconds;
      continue;
    }
    cost.steps_done += steps;
    cost.seconds_saved += seconds * std::max(0, stage.users - 1);
  }
  return cost;
}

}  // namespace reprise::dashboards::web
