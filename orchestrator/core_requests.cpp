// What people may ask of the scheduler while it runs.
#include <algorithm>

#include "orchestrator/core.h"

namespace reprise::core {

void Core::on(const StopRequested&) {
  const bool again = stopping_;
  stopping_ = true;
  for (auto& [name, gang] : gangs_) {
    if (again) {
      kill(name, gang, "stop requested twice");
    } else {
      shut_down(name, gang, "the coordinator was asked to stop");
    }
  }
}

void Core::on(const PauseRequested&) { paused_ = true; }

void Core::on(const ResumeRequested&) { paused_ = draining_ = false; }

void Core::on(const DrainRequested&) { draining_ = true; }

void Core::on(const CancelRequested& event) {
  for (const std::string& id : event.stages) {
    const std::size_t stage = index_of(id);
    if (stage == static_cast<std::size_t>(-1)) continue;
    StageView& view = views_[stage];
    if (view.state == StageState::Running) {
      if (view.fence != 0) {
        actions_.emplace_back(Revoke{view.gang, view.id, view.fence, "cancelled"});
        actions_.emplace_back(EndAttempt{view.fence, view.id, "revoked", "cancelled"});
      }
      if (Gang* gang = find(view.gang)) release(*gang, stage);
    } else if (view.state != StageState::Blocked && view.state != StageState::Ready) {
      continue;
    }
    view.message = "cancelled";
    set_state(stage, StageState::Cancelled);
    abort_dependants(stage);
  }
}

void Core::on(const RetryRequested& event) {
  const auto is_off = [this](std::size_t stage) {
    const StageState state = views_[stage].state;
    return state == StageState::Failed || state == StageState::Aborted ||
           state == StageState::Cancelled;
  };
  std::vector<std::size_t> open;
  for (const std::string& id : event.stages) {
    const std::size_t stage = index_of(id);
    if (stage != static_cast<std::size_t>(-1) && is_off(stage)) open.push_back(stage);
  }
  while (!open.empty()) {
    const std::size_t stage = open.back();
    open.pop_back();
    if (!is_off(stage)) continue;
    views_[stage].failures = views_[stage].losses = 0;
    views_[stage].message.clear();
    nodes_[stage].not_before = 0;
    set_state(stage, StageState::Blocked);
    // What it needs starts over too, or it would wait for ever, and what was aborted with it.
    for (const std::size_t input : nodes_[stage].inputs) open.push_back(input);
    for (const std::size_t next : nodes_[stage].dependants) {
      if (views_[next].state == StageState::Aborted) open.push_back(next);
    }
    if (nodes_[stage].missing == 0) make_ready(stage);
  }
  for (Slot& slot : slots_) {
    slot.deaths = 0;
    slot.not_before = 0;
    slot.given_up = false;
  }
}

void Core::on(const PriorityRequested& event) {
  const auto set = [this](std::size_t stage, int priority) {
    const bool waits = ready_.erase(rank_of(stage)) > 0;
    views_[stage].priority = priority;
    if (waits) ready_.insert(rank_of(stage));
    touch(stage);
  };
  for (const std::string& id : event.stages) {
    const std::size_t stage = index_of(id);
    if (stage == static_cast<std::size_t>(-1)) continue;
    set(stage, event.priority);
    std::vector<std::size_t> open = nodes_[stage].inputs;
    while (!open.empty()) {
      const std::size_t input = open.back();
      open.pop_back();
      if (views_[input].priority >= event.priority) continue;
      set(input, event.priority);
      open.insert(open.end(), nodes_[input].inputs.begin(), nodes_[input].inputs.end());
    }
  }
}

void Core::on(const PlanAdded& event) { add_stages(*event.plan, event.done); }

}  // namespace reprise::core
