#include "orchestrator/status_board.h"

namespace reprise {

StatusBoard::StatusBoard(const sweep::Plan& plan, core::Core& core, Observer& observer)
    : core_(core), observer_(observer) {
  add(plan);
}

void StatusBoard::add(const sweep::Plan& plan) {
  for (const sweep::Stage& stage : plan.stages) {
    if (!index_.try_emplace(stage.id, stages_.size()).second) continue;
    const core::StageView& view = core_.stages()[stages_.size()];
    StageStatus status;
    status.stage = &stage;
    status.state = std::string(core::to_string(view.state));
    status.reused = view.reused;
    stages_.push_back(std::move(status));
  }
}

const sweep::Stage& StatusBoard::stage(const std::string& id) const {
  return *stages_[index_.at(id)].stage;
}

void StatusBoard::announce_reused() {
  for (const StageStatus& status : stages_) {
    if (status.reused) observer_.on_change(stages_, status);
  }
}

void StatusBoard::take_progress(const std::string& gang, const wire::Heartbeat& beat) {
  const auto found = index_.find(beat.stage);
  if (found == index_.end()) return;
  const core::StageView& view = core_.stages()[found->second];
  if (view.gang != gang || view.fence != beat.fence) return;
  StageStatus& status = stages_[found->second];
  status.progress = beat.progress;
  status.progress_end = beat.progress_end;
  status.loss = beat.loss;
  status.steps_per_second = beat.steps_per_second;
}

void StatusBoard::reset_progress(const std::string& id) { stages_[index_.at(id)].progress = 0; }

void StatusBoard::refresh() {
  for (const std::size_t i : core_.take_changed()) {
    if (i >= stages_.size()) continue;  // Its plan is being added.
    const core::StageView& view = core_.stages()[i];
    StageStatus& status = stages_[i];
    status.gang = view.gang;
    status.message = view.message;
    const std::string_view state = core::to_string(view.state);
    if (state == status.state) continue;
    status.state = state;
    observer_.on_change(stages_, status);
  }
}

}  // namespace reprise
