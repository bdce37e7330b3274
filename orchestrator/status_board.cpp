#include "orchestrator/status_board.h"

namespace reprise {

StatusBoard::StatusBoard(const sweep::Plan& plan, const core::Core& core, Observer& observer)
    : core_(core), observer_(observer) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    index_[plan.stages[i].id] = i;
    StageStatus status;
    status.stage = &plan.stages[i];
    status.state = std::string(core::to_string(core.stages()[i].state));
    status.reused = core.stages()[i].reused;
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
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const core::StageView& view = core_.stages()[i];
    StageStatus& status = stages_[i];
    status.gang = view.gang;
    status.message = view.message;
    const std::string state(core::to_string(view.state));
    if (state == status.state) continue;
    status.state = state;
    observer_.on_change(stages_, status);
  }
}

}  // namespace reprise
