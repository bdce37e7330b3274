// Leases: how they begin, are watched and end.
#include <algorithm>

#include "orchestrator/core.h"

namespace reprise::core {

void Core::assign(const std::string& name, Gang& gang, std::size_t stage) {
  set_state(stage, StageState::Running);
  views_[stage].gang = name;
  views_[stage].fence = 0;
  nodes_[stage].committing = false;
  nodes_[stage].ticket = ++tickets_;
  gang.state = GangState::Busy;
  ++gang.served;
  gang.queue.push_back(stage);
  if (gang.queue.size() == 1) restart_clock(gang);
  actions_.emplace_back(BeginAttempt{name, views_[stage].id, nodes_[stage].ticket});
}

void Core::send_assign(const std::string& name, Gang& gang, std::size_t stage) {
  gang.assigned = now_;
  actions_.emplace_back(Assign{name, views_[stage].id, views_[stage].fence});
}

void Core::release(Gang& gang, std::size_t stage) {
  const auto at = std::find(gang.queue.begin(), gang.queue.end(), stage);
  if (at == gang.queue.end()) return;
  if (at == gang.queue.begin()) restart_clock(gang);
  gang.queue.erase(at);
  if (gang.queue.empty() && gang.state == GangState::Busy) {
    gang.state = GangState::Idle;
    gang.idle_since = now_;
  }
}

void Core::hand_back(Gang& gang, std::size_t stage, const std::string& message) {
  const StageView& view = views_[stage];
  if (view.fence != 0) {
    actions_.emplace_back(EndAttempt{view.fence, view.id, "handed-back", message});
  }
  release(gang, stage);
  make_ready(stage);
}

void Core::lose_leases(Gang& gang, const std::string& outcome, const std::string& message,
                       bool blameless) {
  bool at_work = true;
  while (!gang.queue.empty()) {
    const std::size_t stage = gang.queue.front();
    // That the gang ended because we ended says nothing about the stage; nor does it say anything
    // about a stage that was not begun, or whose result is on its way into the database.
    if (stopping_ || !at_work || nodes_[stage].committing) {
      hand_back(gang, stage, message);
    } else {
      if (views_[stage].fence != 0) {
        actions_.emplace_back(EndAttempt{views_[stage].fence, views_[stage].id, outcome, message});
      }
      release(gang, stage);
      if (!blameless) blame(gang.host, stage);
      count_failure(stage, message, blameless ? FailureClass::Infrastructure : FailureClass::Own);
      at_work = false;
    }
  }
}

void Core::blame(const std::string& host, std::size_t stage) {
  if (!hosts_.failed(host, stage, now_)) return;
  actions_.emplace_back(HostQuarantined{host, "stages keep failing there: " + views_[stage].label});
}

void Core::kill(const std::string& name, Gang& gang, const std::string& reason) {
  if (gang.state == GangState::Dying) return;
  lose_leases(gang, "lost", reason);
  gang.state = GangState::Dying;
  actions_.emplace_back(KillGang{name, reason});
}

void Core::shut_down(const std::string& name, Gang& gang, const std::string& reason) {
  switch (gang.state) {
    case GangState::Launching:
      kill(name, gang, reason);
      return;
    case GangState::Idle:
    case GangState::Busy:
      gang.state = GangState::Stopping;
      gang.deadline = now_ + options_.stop_ms;
      actions_.emplace_back(ShutdownGang{name, reason});
      return;
    case GangState::Stopping:
    case GangState::Dying:
      return;
  }
}

void Core::watch_busy(const std::string& name, Gang& gang) {
  const std::size_t stage = gang.queue.front();
  const StageView& view = views_[stage];
  // While the database is in the way, nobody can advance.
  if (view.fence == 0 || nodes_[stage].committing) return;
  if (now_ - gang.advanced < options_.stall_ms) return;
  const std::string stuck =
      "no progress for " + std::to_string(now_ - gang.advanced) + " ms on " + name;
  actions_.emplace_back(Revoke{name, view.id, view.fence, stuck});
  // A hung collective never returns: only a new gang is sure to work.
  lose_leases(gang, "revoked", stuck);
  kill(name, gang, stuck);
}

void Core::watch() {
  for (auto& [name, gang] : gangs_) {
    const bool serves = gang.state == GangState::Idle || gang.state == GangState::Busy;
    if (serves && now_ - gang.heard >= options_.lease_ms) {
      kill(name, gang,
           "gang " + name + " was silent for " + std::to_string(now_ - gang.heard) + " ms");
    } else if (gang.state == GangState::Launching && now_ >= gang.deadline) {
      kill(name, gang, "gang " + name + " did not say hello");
    } else if (gang.state == GangState::Stopping && now_ >= gang.deadline) {
      kill(name, gang, "gang " + name + " did not leave in time");
    } else if (gang.state == GangState::Busy) {
      watch_busy(name, gang);
    } else if (gang.state == GangState::Idle && hosts_.is_quarantined(gang.host, now_)) {
      shut_down(name, gang, "host " + gang.host + " is in quarantine");
    }
  }
}

}  // namespace reprise::core
