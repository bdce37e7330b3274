// What the scheduler does after every event: watch leases, hand out stages, launch gangs, end.
#include <algorithm>
#include <limits>

#include "orchestrator/core.h"

namespace reprise::core {

std::vector<GangView> Core::gangs() const {
  std::vector<GangView> views;
  for (const Gang& gang : gangs_) views.push_back(gang.view);
  return views;
}

std::int64_t Core::pause(int failures) const {
  const int doublings = std::clamp(failures - 1, 0, 20);
  return std::min(options_.backoff_max_ms, options_.backoff_ms << doublings);
}

/// The stage goes back to the pool or fails; what becomes of the gang is the caller's business.
void Core::end_lease(Gang& gang, const std::string& outcome, const std::string& message,
                     bool blameless) {
  const std::size_t stage = gang.view.stage;
  gang.committing = false;
  if (views_[stage].fence != 0) {
    actions_.emplace_back(EndAttempt{views_[stage].fence, views_[stage].id, outcome, message});
  }
  if (stopping_) {
    // It ended because we ended: that says nothing about the stage.
    views_[stage].state = StageState::Ready;
    views_[stage].gang.clear();
    return;
  }
  if (blameless) {
    count_loss(stage, message);
  } else {
    count_failure(stage, message, true);
  }
}

/// Preemptions and lost nodes have a budget of their own: a stage that always takes its node with
/// it must end too.
void Core::count_loss(std::size_t stage, const std::string& message) {
  StageView& view = views_[stage];
  view.gang.clear();
  view.message = message;
  if (++view.losses >= options_.losses_max) {
    fail(stage, message);
    return;
  }
  view.state = StageState::Ready;
}

void Core::count_failure(std::size_t stage, const std::string& message, bool retry) {
  StageView& view = views_[stage];
  view.gang.clear();
  view.message = message;
  ++view.failures;
  if (!retry || view.failures >= options_.failures_max) {
    fail(stage, message);
    return;
  }
  view.state = StageState::Ready;
  nodes_[stage].not_before = now_ + pause(view.failures);
}

void Core::fail(std::size_t stage, const std::string& message) {
  views_[stage].state = StageState::Failed;
  views_[stage].message = message;
  actions_.emplace_back(StageFailed{views_[stage].id, message});
  abort_dependants(stage);
}

void Core::abort_dependants(std::size_t stage) {
  for (const std::size_t next : nodes_[stage].dependants) {
    if (views_[next].state != StageState::Blocked) continue;
    views_[next].state = StageState::Aborted;
    views_[next].message = "its input \"" + views_[stage].label + "\" " +
                           (views_[stage].state == StageState::Failed      ? "failed"
                            : views_[stage].state == StageState::Cancelled ? "was cancelled"
                                                                           : "was aborted");
    actions_.emplace_back(StageAborted{views_[next].id, views_[next].message});
    abort_dependants(next);
  }
}

void Core::unblock() {
  for (std::size_t i = 0; i < views_.size(); ++i) {
    if (views_[i].state != StageState::Blocked) continue;
    const bool ready =
        std::all_of(nodes_[i].inputs.begin(), nodes_[i].inputs.end(),
                    [this](std::size_t input) { return views_[input].state == StageState::Done; });
    if (ready) views_[i].state = StageState::Ready;
  }
}

void Core::kill(Gang& gang, const std::string& reason) {
  if (gang.view.state == GangState::Dying) return;
  if (holds(gang)) end_lease(gang, stopping_ ? "handed-back" : "lost", reason);
  gang.view.state = GangState::Dying;
  actions_.emplace_back(KillGang{gang.view.name, reason});
}

void Core::shut_down(Gang& gang, const std::string& reason) {
  switch (gang.view.state) {
    case GangState::Launching:
      kill(gang, reason);
      return;
    case GangState::Idle:
    case GangState::Busy:
      gang.view.state = GangState::Stopping;
      gang.deadline = now_ + options_.stop_ms;
      actions_.emplace_back(ShutdownGang{gang.view.name, reason});
      return;
    case GangState::Stopping:
    case GangState::Dying:
      return;
  }
}

void Core::watch() {
  for (Gang& gang : gangs_) {
    const std::string silent =
        "gang " + gang.view.name + " was silent for " + std::to_string(now_ - gang.heard) + " ms";
    switch (gang.view.state) {
      case GangState::Launching:
        if (now_ >= gang.deadline) kill(gang, "gang " + gang.view.name + " did not say hello");
        break;
      case GangState::Stopping:
        if (now_ >= gang.deadline) kill(gang, "gang " + gang.view.name + " did not leave in time");
        break;
      case GangState::Idle:
        if (now_ - gang.heard >= options_.lease_ms) kill(gang, silent);
        break;
      case GangState::Busy: {
        if (now_ - gang.heard >= options_.lease_ms) {
          kill(gang, silent);
          break;
        }
        const StageView& stage = views_[gang.view.stage];
        if (now_ - gang.advanced < options_.stall_ms || gang.committing) break;
        const std::string stuck =
            "no progress for " + std::to_string(now_ - gang.advanced) + " ms on " + gang.view.name;
        actions_.emplace_back(Revoke{gang.view.name, stage.id, stage.fence, stuck});
        end_lease(gang, "revoked", stuck);
        gang.view.state = GangState::Idle;
        kill(gang, stuck);  // A hung collective never returns: only a new gang is sure to work.
        break;
      }
      case GangState::Dying:
        break;
    }
  }
}

/// Gangs that nothing is left for: the youngest of those that still wait in a queue, then those
/// that have been idle for long.
void Core::trim() {
  const auto wanted = std::count_if(views_.begin(), views_.end(), [](const StageView& view) {
    return view.state == StageState::Ready || view.state == StageState::Running;
  });
  auto surplus = static_cast<std::ptrdiff_t>(gangs_.size()) - wanted;
  for (std::size_t i = gangs_.size(); i-- > 0 && surplus > 0;) {
    Gang& gang = gangs_[i];
    const bool queued = options_.queued && gang.view.state == GangState::Launching;
    const bool idle = options_.idle_ms > 0 && gang.view.state == GangState::Idle &&
                      now_ - gang.idle_since >= options_.idle_ms;
    if (queued || idle) {
      shut_down(gang, "nothing is left for it");
      --surplus;
    }
  }
}

bool Core::all_ended() const {
  return std::all_of(views_.begin(), views_.end(), [](const StageView& view) {
    return view.state == StageState::Done || view.state == StageState::Failed ||
           view.state == StageState::Aborted || view.state == StageState::Cancelled;
  });
}

void Core::schedule() {
  for (Gang& gang : gangs_) {
    if (gang.view.state != GangState::Idle) {
      gang.idle_since = now_;
      continue;
    }
    if (!gang.connected) continue;
    std::size_t best = views_.size();
    for (std::size_t i = 0; i < views_.size(); ++i) {
      if (views_[i].state != StageState::Ready || nodes_[i].not_before > now_) continue;
      const auto rank = [&](std::size_t k) {
        return std::pair(views_[k].priority, nodes_[k].remaining);
      };
      if (best == views_.size() || rank(i) > rank(best)) best = i;
    }
    if (best == views_.size()) return;
    views_[best].state = StageState::Running;
    views_[best].gang = gang.view.name;
    views_[best].fence = 0;
    gang.view.state = GangState::Busy;
    gang.view.stage = best;
    gang.advanced = now_;
    gang.committing = false;
    actions_.emplace_back(BeginAttempt{gang.view.name, views_[best].id});
  }
}

/// As many gangs as can be busy now: one that would only wait is not started.
void Core::launch() {
  const auto wanted = std::count_if(views_.begin(), views_.end(), [](const StageView& view) {
    return view.state == StageState::Ready || view.state == StageState::Running;
  });
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (static_cast<std::ptrdiff_t>(gangs_.size()) >= wanted) return;
    if (slots_[slot].given_up || slots_[slot].not_before > now_) continue;
    const bool taken = std::any_of(gangs_.begin(), gangs_.end(), [&](const Gang& gang) {
      return gang.slot == static_cast<int>(slot);
    });
    if (taken) continue;
    Gang gang;
    gang.view.name = options_.prefix + std::to_string(launched_++);
    gang.slot = static_cast<int>(slot);
    gang.heard = now_;
    gang.deadline =
        options_.queued ? std::numeric_limits<std::int64_t>::max() : now_ + options_.launch_ms;
    actions_.emplace_back(LaunchGang{gang.view.name});
    gangs_.push_back(std::move(gang));
  }
}

void Core::settle() {
  const bool hopeless =
      gangs_.empty() &&
      std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.given_up; });
  if (hopeless) {
    for (std::size_t i = 0; i < views_.size(); ++i) {
      if (views_[i].state == StageState::Ready) {
        fail(i, "no gang stays alive; the last one ended: " + last_death_);
      }
    }
  }
  if (all_ended() || draining_) {
    for (Gang& gang : gangs_) {
      if (gang.view.state != GangState::Busy) shut_down(gang, "there is no more work");
    }
  } else if (!stopping_ && !paused_) {
    schedule();
    launch();
    trim();
  }
  if (gangs_.empty() && (stopping_ || draining_ || all_ended())) {
    finished_ = true;
    actions_.emplace_back(Finished{});
  }
}

}  // namespace reprise::core
