// The engine that starts gangs, the gangs, and the network between them and the coordinator.
#include <algorithm>

#include "tests/simulation/life.h"
#include "tests/simulation/world.h"

namespace reprise::simulation {

constexpr std::int64_t kRepeatMs = 5000;  ///< worker/link_state.cpp

void World::launch(const core::LaunchGang& action) {
  for (const int device : action.devices) {
    used_milli_[device] += options_.share_milli;
    if (used_milli_[device] > 1000) throw Broken{"a slot is given away twice"};
    if (used_milli_[device] < 1000) mark("slot shared");
  }
  devices_of_[action.gang] = action.devices;
  if (action.ranks > 1) mark("large gang");
  note("launch " + action.gang + " of " + std::to_string(action.ranks));
  const std::string name = action.gang;
  const int ranks = action.ranks;
  const std::string host = "host" + std::to_string(action.devices.front() / 2);
  if (strikes(swarm_.vanish_job)) {
    mark("job vanished");
    // An engine that queues tells of a job that it lost; another one's silence is a deadline's.
    if (options_.queued) {
      later(30000, [this, name] { exited(name, "vanished"); });
    }
    return;
  }
  if (strikes(swarm_.die_at_start)) {
    mark("died at start");
    later(random_.range(10, 3000), [this, name] { exited(name, "exit 1"); });
    return;
  }
  const int copies = strikes(swarm_.second_copy) ? 2 : 1;
  if (copies == 2) mark("second copy");
  for (int i = 0; i < copies; ++i) {
    later(random_.range(50, 5000), [this, name, ranks, host] { start_gang(name, ranks, host); });
  }
}

void World::start_gang(const std::string& name, int ranks, const std::string& host) {
  if (!swarm_.survives && (!life_ || !life_->core.knows_gang(name))) return;
  auto gang = std::make_shared<Gang>();
  gang->name = name;
  gang->host = host;
  gang->ranks = ranks;
  gang->pace = 0.5 + static_cast<double>(random_.range(0, 1000)) / 1000;
  gangs_.push_back(gang);
  if (options_.queued) feed(core::GangStarting{name});
  connect(gang);
  beat(gang);
}

/// The engine says that a gang is gone, and may be wrong.
void World::exited(const std::string& name, const std::string& why) {
  for (const int device : devices_of_[name]) used_milli_[device] -= options_.share_milli;
  devices_of_.erase(name);
  if (const auto found = lines_of_.find(name); found != lines_of_.end()) {
    disconnect(GangPointer(found->second));
  }
  note(name + " exited: " + why);
  feed(core::GangExited{name, why, random_.chance(0.3)});
}

void World::kill_gang(const std::string& name) {
  const std::int64_t number = lives_;
  later(random_.range(1, 5000), [this, name, number] {
    const auto all = gangs_;
    for (const auto& gang : all) {
      if (gang->name != name) continue;
      if (swarm_.survives && strikes(swarm_.zombie)) {
        mark("zombie");
      } else {
        die(gang, "killed", false);
      }
    }
    if (number == lives_) exited(name, "killed");
  });
}

void World::die(const GangPointer& gang, const std::string& why, bool tell) {
  if (!gang->alive) return;
  gang->alive = false;
  std::erase(gangs_, gang);
  disconnect(gang);
  if (!tell) return;
  const std::int64_t number = lives_;
  const std::string name = gang->name;
  later(random_.range(10, 1000), [this, name, why, number] {
    if (number == lives_) exited(name, why);
  });
}

void World::connect(const GangPointer& gang) {
  if (!gang->alive || gang->connected) return;
  const auto again = [this, gang] {
    later(random_.range(250, 1500), [this, gang] { connect(gang); });
  };
  if (gang->cut || gang->hung || !life_) {
    again();
    return;
  }
  if (!life_->core.knows_gang(gang->name)) {
    mark("stale gang turned away");
    die(gang, "no such gang", false);
    return;
  }
  if (const auto old = lines_of_.find(gang->name); old != lines_of_.end()) {
    mark("newest line wins");
    disconnect(GangPointer(old->second));
  }
  gang->connected = true;
  gang->line = ++lines_;
  gang->next_arrival = gang->next_delivery = 0;
  for (auto& [fence, report] : gang->reports) report.next_try = 0;
  lines_of_[gang->name] = gang;
  if (gang->work || !gang->queue.empty()) mark("came back with work");
  feed(core::GangConnected{gang->name, gang->host, gang->ranks});
  report(gang);
}

void World::disconnect(const GangPointer& gang) {
  if (!gang->connected) return;
  gang->connected = false;
  gang->line = 0;
  const auto found = lines_of_.find(gang->name);
  if (found != lines_of_.end() && found->second == gang) {
    lines_of_.erase(found);
    feed(core::GangDisconnected{gang->name});
  }
  if (gang->alive) later(random_.range(250, 1500), [this, gang] { connect(gang); });
}

void World::beat(const GangPointer& gang) {
  if (!gang->alive) return;
  if (!gang->hung && gang->connected) {
    core::GangHeartbeat beat{gang->name, "", 0, 0, random_.range(0, 200)};
    if (gang->work) {
      beat.stage = gang->work->stage;
      beat.fence = gang->work->fence;
      beat.progress = gang->work->progress;
    }
    if (gang->member_hung) beat.stalest_ms = now_ - gang->member_heard;
    send(gang, beat);
    report(gang);
  }
  // A line through a cut does not last for ever.
  if (gang->cut && gang->connected && random_.chance(0.1)) disconnect(gang);
  later(static_cast<std::int64_t>(1000 * gang->pace), [this, gang] { beat(gang); });
}

void World::kick(const GangPointer& gang) {
  if (gang->working) return;
  gang->working = true;
  const double step = static_cast<double>(random_.range(100, 500)) * gang->pace;
  later(static_cast<std::int64_t>(step / gang->ranks), [this, gang] { work(gang); });
}

void World::work(const GangPointer& gang) {
  gang->working = false;
  if (!gang->alive || gang->leaving) return;
  if (gang->hung || gang->member_hung) {
    // Only a hang that ends is worth waiting for.
    if (!gang->member_hung) later(500, [this, gang] { kick(gang); });
    return;
  }
  if (!gang->work) {
    if (gang->queue.empty()) return;
    if (gang->queue.size() > 1) mark("several handed out");
    gang->work = gang->queue.front();
    gang->queue.pop_front();
  }
  Gang::Work& at = *gang->work;
  ++at.progress;
  if (strikes(swarm_.hand_back)) {
    mark("handed back");
    leave(gang);
    return;
  }
  if (at.progress >= at.steps) {
    Gang::Report end{at.stage, "", "", 0};
    if (poisoned(at.stage)) {
      mark("permanent failure");
      end.code = "trial-failed";
      end.message = "always";
    } else if (strikes(swarm_.fail_stage)) {
      mark("stage failed");
      end.code = "internal";
      end.message = "out of luck";
    }
    gang->reports[at.fence] = end;
    gang->work.reset();
    report(gang);
  }
  kick(gang);
}

/// Checkpoints, hands back what it has begun, and ends.
void World::leave(const GangPointer& gang) {
  if (gang->leaving) return;
  gang->leaving = true;
  if (gang->work) {
    gang->reports[gang->work->fence] = {gang->work->stage, "unavailable", "handed back", 0};
  }
  report(gang);
  later(random_.range(200, 4000), [this, gang] { die(gang, "exit 0", true); });
}

void World::report(const GangPointer& gang) {
  if (!gang->connected || gang->hung) return;
  for (auto& [fence, one] : gang->reports) {
    if (now_ < one.next_try) continue;
    one.next_try = now_ + kRepeatMs;
    if (one.code.empty()) {
      send(gang, core::ResultReceived{gang->name, one.stage, fence});
    } else {
      send(gang, core::FailureReceived{gang->name, one.stage, fence, one.code, one.message});
    }
  }
}

void World::send(const GangPointer& gang, const core::Event& event) {
  travel("message from a gang lost", gang->next_delivery, [this, gang, line = gang->line, event] {
    if (gang->cut || !life_) return;
    if (swarm_.in_order && (gang->line != line || line == 0)) return;
    feed(event);
  });
}

void World::receive(const GangPointer& gang, const core::Action& action) {
  if (gang->hung) {
    later(500, [this, gang, action] {
      if (gang->alive) receive(gang, action);
    });
    return;
  }
  if (const auto* assign = std::get_if<core::Assign>(&action)) {
    gang->assign({assign->stage, assign->fence, steps_[assign->stage], 0});
    kick(gang);
  } else if (const auto* ack = std::get_if<core::Ack>(&action)) {
    const auto found = gang->reports.find(ack->fence);
    if (found == gang->reports.end()) return;
    const bool durable =
        database_.is_done(ack->stage) && database_.result_fence(ack->stage) == ack->fence;
    if (found->second.code.empty() && !durable) {
      throw Broken{"a result is acknowledged that is not durable: " + ack->stage};
    }
    gang->reports.erase(found);
  } else if (const auto* revoke = std::get_if<core::Revoke>(&action)) {
    gang->revoke(revoke->fence);
  } else if (std::holds_alternative<core::ShutdownGang>(action)) {
    if (strikes(0.1)) {
      mark("shutdown ignored");
      return;
    }
    leave(gang);
  }
}

void World::strike_gangs() {
  if (!chaos()) return;
  later(1000, [this] { strike_gangs(); });
  const auto all = gangs_;
  for (const auto& gang : all) {
    if (random_.chance(swarm_.crash_gang)) {
      mark("gang crashed");
      die(gang, "signal 9", true);
      continue;
    }
    if (random_.chance(swarm_.hang_gang)) {
      mark("gang hung");
      gang->hung = true;
      later(random_.range(1000, 60000), [gang] { gang->hung = false; });
    }
    if (gang->ranks > 1 && !gang->member_hung && random_.chance(swarm_.hang_member)) {
      mark("member hung");
      gang->member_hung = true;
      gang->member_heard = now_;
    }
    if (random_.chance(swarm_.partition)) {
      mark("partition");
      gang->cut = true;
      later(random_.range(1000, 60000), [gang] { gang->cut = false; });
    }
    if (random_.chance(swarm_.reset_line)) {
      mark("line reset");
      disconnect(gang);
    }
  }
}

}  // namespace reprise::simulation
