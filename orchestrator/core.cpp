// The scheduler's state, and what it does with what gangs and the database say.
#include "orchestrator/core.h"

#include <algorithm>

#include "sweep/error.h"

namespace reprise::core {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

FailureClass class_of(const std::string& code) {
  switch (error_code_from(code)) {
    case ErrorCode::InvalidInput:
    case ErrorCode::Corrupt:
    case ErrorCode::TrialFailed:
      return FailureClass::Permanent;
    case ErrorCode::Unavailable:
    case ErrorCode::Internal:
    case ErrorCode::Exhausted:
      break;
  }
  return FailureClass::Own;
}

}  // namespace

Core::Core(const sweep::Plan& plan, const std::set<std::string>& done, const Options& options,
           const std::vector<OpenAttempt>& open)
    : options_(options),
      slots_(static_cast<std::size_t>(std::max(0, options.slots))),
      costs_(options.costs),
      hosts_(options.hosts) {
  add_stages(plan, done);
  for (const OpenAttempt& attempt : open) {
    const std::size_t stage = index_of(attempt.stage);
    if (stage == kNone || views_[stage].state != StageState::Ready) {
      actions_.emplace_back(
          EndAttempt{attempt.fence, attempt.stage, "handed-back", "the coordinator ended first"});
      continue;
    }
    Gang& gang = gangs_[attempt.gang];
    gang.state = GangState::Busy;
    gang.ranks = attempt.ranks;
    gang.queue.push_back(stage);
    views_[stage].gang = attempt.gang;
    views_[stage].fence = attempt.fence;
    set_state(stage, StageState::Running);
  }
}

std::vector<Action> Core::handle(std::int64_t now_ms, const Event& event) {
  now_ = std::max(now_, now_ms);
  if (!finished_) {
    std::visit([this](const auto& e) { on(e); }, event);
    settle();
  }
  return std::exchange(actions_, {});
}

std::vector<std::size_t> Core::take_changed() {
  std::vector<std::size_t> result(changed_.begin(), changed_.end());
  changed_.clear();
  return result;
}

std::vector<GangView> Core::gangs() const {
  std::vector<GangView> views;
  for (const auto& [name, gang] : gangs_) {
    GangView view{name, gang.host, gang.state, gang.ranks, 0, gang.queue.size(), gang.connected};
    if (!gang.queue.empty()) view.stage = gang.queue.front();
    views.push_back(std::move(view));
  }
  return views;
}

Core::Gang* Core::find(const std::string& gang) {
  const auto found = gangs_.find(gang);
  return found == gangs_.end() ? nullptr : &found->second;
}

std::size_t Core::index_of(const std::string& stage) const {
  const auto found = index_.find(stage);
  return found == index_.end() ? kNone : found->second;
}

Core::Gang* Core::holder(const std::string& gang, std::size_t stage, std::int64_t fence) {
  if (stage == kNone) return nullptr;
  const StageView& view = views_[stage];
  if (view.state != StageState::Running || view.gang != gang || view.fence != fence) return nullptr;
  return find(gang);
}

void Core::on(const Start&) {
  for (auto& [name, gang] : gangs_) {
    gang.heard = now_;
    restart_clock(gang);
    gang.timing.is_done = true;  // When it began, an earlier coordinator knew.
  }
}

void Core::on(const Tick&) { watch(); }

void Core::on(const GangStarting& event) {
  Gang* gang = find(event.gang);
  if (gang != nullptr && gang->state == GangState::Launching) {
    gang->deadline = now_ + options_.launch_ms;
  }
}

void Core::on(const GangConnected& event) {
  Gang* gang = find(event.gang);
  if (gang == nullptr) return;
  gang->connected = true;
  gang->heard = now_;
  gang->host = event.host;
  gang->ranks = event.ranks;
  hosts_.seen(event.host);
  for (const int device : gang->devices) slots_[static_cast<std::size_t>(device)].deaths = 0;
  switch (gang->state) {
    case GangState::Launching:
      gang->state = GangState::Idle;
      gang->idle_since = now_;
      break;
    case GangState::Busy:
      // It may never have seen its assignments: say them again. A worker that did ignores this.
      for (const std::size_t stage : gang->queue) {
        if (views_[stage].fence != 0) send_assign(event.gang, *gang, stage);
      }
      break;
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
  const bool wanted = gang->state != GangState::Stopping;
  lose_leases(*gang, "lost", "gang " + event.gang + " ended: " + event.reason, event.blameless);
  free_devices(*gang);
  for (const int device : gang->devices) {
    if (!wanted || stopping_) continue;
    Slot& slot = slots_[static_cast<std::size_t>(device)];
    slot.not_before = now_ + (event.blameless ? options_.backoff_ms : pause(++slot.deaths));
    slot.given_up = slot.deaths >= options_.launch_failures_max;
  }
  if (wanted && !event.blameless) last_death_ = event.reason;
  gangs_.erase(event.gang);
}

void Core::on(const GangHeartbeat& event) {
  Gang* gang = find(event.gang);
  if (gang == nullptr) return;
  gang->heard = std::max(gang->heard, now_ - std::max<std::int64_t>(0, event.stalest_ms));
  if (event.stage.empty()) {
    check_idle(event.gang, *gang);
    return;
  }
  gang->idle_beats_since = -1;
  const std::size_t stage = index_of(event.stage);
  if (holder(event.gang, stage, event.fence) != nullptr) {
    if (gang->queue.front() == stage && event.progress > gang->progress) {
      gang->progress = event.progress;
      gang->advanced = now_;
      time_steps(*gang, stage);
    }
    return;
  }
  const bool just_done = stage != kNone && views_[stage].state == StageState::Done &&
                         views_[stage].fence == event.fence;
  if (!just_done) {
    actions_.emplace_back(Revoke{event.gang, event.stage, event.fence, "the lease is not yours"});
  }
}

/// A gang that says it has nothing to do although it was given something: the message was lost, or
/// an earlier coordinator revoked it and died before that was durable.
void Core::check_idle(const std::string& name, Gang& gang) {
  const bool given = gang.state == GangState::Busy && views_[gang.queue.front()].fence != 0 &&
                     !nodes_[gang.queue.front()].committing;
  if (!given) {
    gang.idle_beats_since = -1;
    return;
  }
  if (gang.idle_beats_since < 0) gang.idle_beats_since = now_;
  if (now_ - gang.idle_beats_since >= options_.lease_ms) {
    gang.idle_beats_since = -1;
    hand_back(gang, gang.queue.front(), "the gang does not take it up");
    return;
  }
  if (now_ - gang.assigned < options_.lease_ms / 3) return;
  for (const std::size_t stage : gang.queue) {
    if (views_[stage].fence != 0 && !nodes_[stage].committing) send_assign(name, gang, stage);
  }
}

void Core::on(const ResultReceived& event) {
  if (Gang* gang = find(event.gang)) {
    gang->heard = now_;
    gang->idle_beats_since = -1;
  }
  const std::size_t stage = index_of(event.stage);
  if (Gang* gang = holder(event.gang, stage, event.fence)) {
    if (nodes_[stage].committing) return;
    measure(*gang, stage);
    nodes_[stage].committing = true;
#ifdef REPRISE_PLANTED_BUG
    // Only in the simulation's canary, which must notice: acknowledged before it is durable.
    actions_.emplace_back(Ack{event.gang, event.stage, event.fence});
#endif
    actions_.emplace_back(CommitResult{event.gang, event.stage, event.fence});
  } else if (stage != kNone && views_[stage].state == StageState::Done &&
             views_[stage].fence == event.fence) {
    actions_.emplace_back(Ack{event.gang, event.stage, event.fence});
  } else {
    actions_.emplace_back(Revoke{event.gang, event.stage, event.fence, "the lease is not yours"});
  }
}

void Core::on(const FailureReceived& event) {
  if (Gang* heard = find(event.gang)) heard->heard = now_;
  // Whatever it is about, that lease is over. Not an Ack: a second copy of the gang might take that
  // for its result's.
  actions_.emplace_back(Revoke{event.gang, event.stage, event.fence, "failure noted"});
  const std::size_t stage = index_of(event.stage);
  Gang* gang = holder(event.gang, stage, event.fence);
  if (gang == nullptr || nodes_[stage].committing) return;
  if (event.code == to_string(ErrorCode::Unavailable) && event.message.starts_with("handed back")) {
    // Whoever hands back is leaving: it gets no other stage.
    const std::deque<std::size_t> held = gang->queue;
    for (const std::size_t each : held) {
      if (!nodes_[each].committing) hand_back(*gang, each, event.message);
    }
    if (gang->state != GangState::Dying) {
      gang->state = GangState::Stopping;
      gang->deadline = now_ + options_.stop_ms;
    }
    return;
  }
  const FailureClass kind = class_of(event.code);
  if (kind != FailureClass::Permanent) blame(gang->host, stage);
  release(*gang, stage);
  actions_.emplace_back(EndAttempt{event.fence, event.stage, "failed", event.message});
  count_failure(stage, event.message, kind);
}

void Core::on(const AttemptBegun& event) {
  const std::size_t stage = index_of(event.stage);
  Gang* gang = find(event.gang);
  const bool held = gang != nullptr && stage != kNone &&
                    views_[stage].state == StageState::Running &&
                    views_[stage].gang == event.gang && views_[stage].fence == 0 &&
                    nodes_[stage].ticket == event.ticket;
  if (!held) {
    actions_.emplace_back(EndAttempt{event.fence, event.stage, "handed-back", "no longer wanted"});
    return;
  }
  views_[stage].fence = event.fence;
  touch(stage);
  if (gang->queue.front() == stage) {
    gang->advanced = now_;
    gang->progress = -1;
    gang->timing = {};
  }
  send_assign(event.gang, *gang, stage);
}

void Core::on(const CommitDone& event) {
  const std::size_t stage = index_of(event.stage);
  if (stage == kNone) return;
  nodes_[stage].committing = false;
  if (event.outcome == CommitDone::Outcome::Committed) {
    // What is durable counts, even if the lease ended meanwhile: another holder can stop.
    if (views_[stage].state != StageState::Done) succeed(stage, event.gang, event.fence);
    return;
  }
  Gang* gang = holder(event.gang, stage, event.fence);
  if (gang == nullptr) return;
  const bool stale = event.outcome == CommitDone::Outcome::Stale;
  actions_.emplace_back(Revoke{event.gang, event.stage, event.fence, "the result was refused"});
  const std::string why = stale ? "a newer attempt exists" : "result refused: " + event.message;
  release(*gang, stage);
  actions_.emplace_back(EndAttempt{event.fence, event.stage, stale ? "revoked" : "failed", why});
  count_failure(stage, why, FailureClass::Own);
}

void Core::succeed(std::size_t stage, const std::string& name, std::int64_t fence) {
  StageView& view = views_[stage];
  if (view.state == StageState::Running) {
    Gang* other = find(view.gang);
    if (view.fence != fence && view.fence != 0) {
      actions_.emplace_back(Revoke{view.gang, view.id, view.fence, "the stage is done"});
      actions_.emplace_back(EndAttempt{view.fence, view.id, "revoked", "the stage is done"});
    }
    if (other != nullptr) release(*other, stage);
  }
  view.gang = name;
  view.fence = fence;
  view.message.clear();
  set_state(stage, StageState::Done);
  if (const Gang* gang = find(name)) hosts_.succeeded(gang->host);
  actions_.emplace_back(Ack{name, view.id, fence});
  for (const std::size_t next : nodes_[stage].dependants) {
    if (--nodes_[next].missing == 0 && views_[next].state == StageState::Blocked) make_ready(next);
  }
}

}  // namespace reprise::core
