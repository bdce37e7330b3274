// What the scheduler does with each event; core_schedule.cpp has what it does after every one.
#include "orchestrator/core.h"

#include <algorithm>

#include "sweep/error.h"

namespace reprise::core {

std::string_view to_string(StageState state) {
  switch (state) {
    case StageState::Blocked:
      return "blocked";
    case StageState::Ready:
      return "ready";
    case StageState::Running:
      return "running";
    case StageState::Done:
      return "done";
    case StageState::Failed:
      return "failed";
    case StageState::Aborted:
      return "aborted";
    case StageState::Cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view to_string(GangState state) {
  switch (state) {
    case GangState::Launching:
      return "launching";
    case GangState::Idle:
      return "idle";
    case GangState::Busy:
      return "busy";
    case GangState::Stopping:
      return "stopping";
    case GangState::Dying:
      return "dying";
  }
  return "unknown";
}

Core::Core(const sweep::Plan& plan, const std::set<std::string>& done, const Options& options)
    : options_(options), slots_(static_cast<std::size_t>(std::max(1, options.gangs))) {
  nodes_.resize(plan.stages.size());
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const sweep::Stage& stage = plan.stages[i];
    StageView view;
    view.id = stage.id;
    view.label = stage.label;
    if (done.contains(stage.id)) {
      view.state = StageState::Done;
      view.reused = true;
    }
    for (const auto& [role, input] : stage.inputs) {
      const auto found = index_.find(input);
      if (found == index_.end()) {
        throw_invalid("stage " + stage.label + ": its input " + role + " is not before it");
      }
      nodes_[i].inputs.push_back(found->second);
      nodes_[found->second].dependants.push_back(i);
    }
    if (!index_.emplace(stage.id, i).second) throw_invalid("stage " + stage.id + " is there twice");
    views_.push_back(std::move(view));
  }
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    std::int64_t longest = 0;
    for (const std::size_t next : nodes_[i].dependants) {
      longest = std::max(longest, nodes_[next].remaining);
    }
    nodes_[i].remaining = longest + std::max<std::int64_t>(1, plan.stages[i].steps);
  }
  unblock();
}

std::vector<Action> Core::handle(std::int64_t now_ms, const Event& event) {
  now_ = std::max(now_, now_ms);
  actions_.clear();
  if (!finished_) {
    std::visit([this](const auto& e) { on(e); }, event);
    settle();
  }
  return std::move(actions_);
}

const Core::Gang* Core::find(const std::string& gang) const {
  for (const Gang& candidate : gangs_) {
    if (candidate.view.name == gang) return &candidate;
  }
  return nullptr;
}

Core::Gang* Core::find(const std::string& gang) {
  return const_cast<Gang*>(static_cast<const Core*>(this)->find(gang));
}

bool Core::holds(const Gang& gang) const {
  const StageView& stage = views_[gang.view.stage];
  return stage.state == StageState::Running && stage.gang == gang.view.name;
}

Core::Gang* Core::holder(const std::string& gang, const std::string& stage, std::int64_t fence) {
  const auto found = index_.find(stage);
  if (found == index_.end()) return nullptr;
  const StageView& view = views_[found->second];
  if (view.state != StageState::Running || view.gang != gang || view.fence != fence) return nullptr;
  return find(gang);
}

void Core::on(const Start&) {}

void Core::on(const Tick&) { watch(); }

void Core::on(const StopRequested&) {
  const bool again = stopping_;
  stopping_ = true;
  for (Gang& gang : gangs_) {
    if (again) {
      kill(gang, "stop requested twice");
    } else {
      shut_down(gang, "the coordinator was asked to stop");
    }
  }
}

void Core::on(const GangStarting& event) {
  Gang* gang = find(event.gang);
  if (gang != nullptr && gang->view.state == GangState::Launching) {
    gang->deadline = now_ + options_.launch_ms;
  }
}

void Core::on(const GangConnected& event) {
  Gang* gang = find(event.gang);
  if (gang == nullptr) return;
  gang->connected = true;
  gang->heard = now_;
  slots_[static_cast<std::size_t>(gang->slot)].deaths = 0;
  switch (gang->view.state) {
    case GangState::Launching:
      gang->view.state = GangState::Idle;
      break;
    case GangState::Busy: {
      // It may never have seen its assignment: say it again. A worker that did ignores this.
      const StageView& stage = views_[gang->view.stage];
      if (stage.fence != 0) actions_.emplace_back(Assign{event.gang, stage.id, stage.fence});
      break;
    }
    case GangState::Stopping:
      actions_.emplace_back(ShutdownGang{event.gang, "the coordinator is stopping"});
      break;
    case GangState::Idle:
    case GangState::Dying:
      break;
  }
}

void Core::on(const GangDisconnected& event) {
  if (Gang* gang = find(event.gang)) gang->connected = false;
}

void Core::on(const GangExited& event) {
  Gang* gang = find(event.gang);
  if (gang == nullptr) return;
  Slot& slot = slots_[static_cast<std::size_t>(gang->slot)];
  const bool wanted = gang->view.state != GangState::Stopping;
  if (holds(*gang)) {
    end_lease(*gang, "lost", "gang " + event.gang + " ended: " + event.reason, event.blameless);
  }
  if (wanted && !stopping_ && event.blameless) {
    slot.not_before = now_ + options_.backoff_ms;
  } else if (wanted && !stopping_) {
    last_death_ = event.reason;
    slot.not_before = now_ + pause(++slot.deaths);
    slot.given_up = slot.deaths >= options_.launch_failures_max;
  }
  gangs_.erase(gangs_.begin() + (gang - gangs_.data()));
}

void Core::on(const GangHeartbeat& event) {
  Gang* gang = find(event.gang);
  if (gang == nullptr) return;
  gang->heard = now_;
  if (event.stage.empty()) return;
  if (holder(event.gang, event.stage, event.fence) != nullptr) {
    if (event.progress > gang->progress) {
      gang->progress = event.progress;
      gang->advanced = now_;
    }
    return;
  }
  const auto found = index_.find(event.stage);
  const bool just_done = found != index_.end() && views_[found->second].state == StageState::Done &&
                         views_[found->second].fence == event.fence;
  if (!just_done) {
    actions_.emplace_back(Revoke{event.gang, event.stage, event.fence, "the lease is not yours"});
  }
}

void Core::on(const ResultReceived& event) {
  if (Gang* gang = find(event.gang)) gang->heard = now_;
  const auto found = index_.find(event.stage);
  if (Gang* gang = holder(event.gang, event.stage, event.fence)) {
    gang->advanced = now_;
    if (gang->committing) return;
    gang->committing = true;
    actions_.emplace_back(CommitResult{event.gang, event.stage, event.fence});
  } else if (found != index_.end() && views_[found->second].state == StageState::Done &&
             views_[found->second].fence == event.fence) {
    actions_.emplace_back(Ack{event.gang, event.stage, event.fence});
  } else {
    actions_.emplace_back(Revoke{event.gang, event.stage, event.fence, "the lease is not yours"});
  }
}

void Core::on(const CommitDone& event) {
  const auto found = index_.find(event.stage);
  if (found == index_.end()) return;
  StageView& stage = views_[found->second];
  Gang* gang = find(event.gang);
  if (gang != nullptr) gang->committing = false;
  const bool live = stage.state == StageState::Running || stage.state == StageState::Ready;
  if (event.outcome == CommitDone::Outcome::Committed) {
    if (!live) return;
    // What is durable counts, even if the lease ended meanwhile: another holder can stop.
    Gang* other = stage.state == StageState::Running ? find(stage.gang) : nullptr;
    if (other != nullptr && other->view.state == GangState::Busy) {
      if (other != gang && stage.fence != 0) {
        actions_.emplace_back(Revoke{stage.gang, stage.id, stage.fence, "the stage is done"});
        actions_.emplace_back(EndAttempt{stage.fence, stage.id, "revoked", "the stage is done"});
      }
      other->view.state = GangState::Idle;
    }
    stage.state = StageState::Done;
    stage.gang = event.gang;
    stage.fence = event.fence;
    stage.message.clear();
    actions_.emplace_back(Ack{event.gang, event.stage, event.fence});
    unblock();
    return;
  }
  gang = holder(event.gang, event.stage, event.fence);
  if (gang == nullptr) return;
  const bool stale = event.outcome == CommitDone::Outcome::Stale;
  actions_.emplace_back(Revoke{event.gang, event.stage, event.fence, "the result was refused"});
  end_lease(*gang, stale ? "revoked" : "failed",
            stale ? "a newer attempt exists" : "result refused: " + event.message);
  if (gang->view.state == GangState::Busy) gang->view.state = GangState::Idle;
}

void Core::on(const FailureReceived& event) {
  if (Gang* heard = find(event.gang)) heard->heard = now_;
  Gang* gang = holder(event.gang, event.stage, event.fence);
  if (gang == nullptr || gang->committing) return;
  const std::size_t stage = gang->view.stage;
  if (event.code == to_string(ErrorCode::Unavailable) && event.message.starts_with("handed back")) {
    views_[stage].state = StageState::Ready;
    views_[stage].gang.clear();
    actions_.emplace_back(EndAttempt{event.fence, event.stage, "handed-back", event.message});
    // Whoever hands back is leaving: it gets no other stage.
    gang->view.state = GangState::Stopping;
    gang->deadline = now_ + options_.stop_ms;
    return;
  }
  const bool retry = event.code != to_string(ErrorCode::InvalidInput) &&
                     event.code != to_string(ErrorCode::Corrupt);
  const bool leaving = gang->view.state == GangState::Stopping;
  actions_.emplace_back(EndAttempt{event.fence, event.stage, "failed", event.message});
  if (!leaving) gang->view.state = GangState::Idle;
  count_failure(stage, event.message, retry);
}

void Core::on(const AttemptBegun& event) {
  const auto found = index_.find(event.stage);
  Gang* gang = find(event.gang);
  const bool held = gang != nullptr && gang->view.state == GangState::Busy &&
                    found != index_.end() && gang->view.stage == found->second &&
                    views_[found->second].state == StageState::Running &&
                    views_[found->second].fence == 0;
  if (!held) {
    actions_.emplace_back(EndAttempt{event.fence, event.stage, "handed-back", "no longer wanted"});
    return;
  }
  views_[found->second].fence = event.fence;
  gang->advanced = now_;
  gang->progress = -1;
  actions_.emplace_back(Assign{event.gang, event.stage, event.fence});
}

}  // namespace reprise::core
