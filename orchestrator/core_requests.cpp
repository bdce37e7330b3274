// What people may ask of the scheduler while it runs.
#include <algorithm>

#include "orchestrator/core.h"

namespace reprise::core {

void Core::on(const PauseRequested&) { paused_ = true; }

void Core::on(const ResumeRequested&) { paused_ = draining_ = false; }

void Core::on(const DrainRequested&) { draining_ = true; }

void Core::on(const CancelRequested& event) {
  for (const std::string& id : event.stages) {
    const auto found = index_.find(id);
    if (found == index_.end()) continue;
    StageView& view = views_[found->second];
    if (view.state == StageState::Running) {
      Gang* gang = find(view.gang);
      if (view.fence != 0) {
        actions_.emplace_back(Revoke{view.gang, view.id, view.fence, "cancelled"});
        actions_.emplace_back(EndAttempt{view.fence, view.id, "revoked", "cancelled"});
      }
      view.state = StageState::Cancelled;
      if (gang != nullptr && gang->view.state == GangState::Busy) kill(*gang, "cancelled");
    } else if (view.state != StageState::Blocked && view.state != StageState::Ready) {
      continue;
    }
    view.state = StageState::Cancelled;
    view.gang.clear();
    view.message = "cancelled";
    abort_dependants(found->second);
  }
}

void Core::on(const RetryRequested& event) {
  for (const std::string& id : event.stages) {
    const auto found = index_.find(id);
    if (found == index_.end()) continue;
    StageView& view = views_[found->second];
    if (view.state != StageState::Failed && view.state != StageState::Aborted &&
        view.state != StageState::Cancelled) {
      continue;
    }
    // What it needs starts over too, or it would wait for ever, and what was aborted with it.
    RetryRequested others;
    for (const std::size_t input : nodes_[found->second].inputs) {
      others.stages.push_back(views_[input].id);
    }
    for (const std::size_t next : nodes_[found->second].dependants) {
      if (views_[next].state == StageState::Aborted) others.stages.push_back(views_[next].id);
    }
    view.state = StageState::Blocked;
    view.failures = 0;
    view.message.clear();
    nodes_[found->second].not_before = 0;
    on(others);
  }
  for (Slot& slot : slots_) slot = {};
  unblock();
}

void Core::on(const PriorityRequested& event) {
  for (const std::string& id : event.stages) {
    const auto found = index_.find(id);
    if (found == index_.end()) continue;
    views_[found->second].priority = event.priority;
    std::vector<std::size_t> open = nodes_[found->second].inputs;
    while (!open.empty()) {
      const std::size_t input = open.back();
      open.pop_back();
      if (views_[input].priority >= event.priority) continue;
      views_[input].priority = event.priority;
      open.insert(open.end(), nodes_[input].inputs.begin(), nodes_[input].inputs.end());
    }
  }
}

}  // namespace reprise::core
