// The coordinator around the scheduler: sessions, commits, crashes, and people who ask for things.
#include "sweep/error.h"
#include "tests/simulation/life.h"
#include "tests/simulation/world.h"

namespace reprise::simulation {

void World::start_coordinator() {
  restarting_ = false;
  if (!swarm_.survives) {
    // They die with their coordinator.
    const auto gangs = gangs_;
    for (const auto& gang : gangs) die(gang, "its coordinator ended", false);
    database_.end_abandoned();
  }
  for (const auto& gang : gangs_) disconnect(gang);
  lines_of_.clear();
  used_milli_.clear();
  devices_of_.clear();
  core::Options options = options_;
  options.prefix = "g" + std::to_string(++lives_) + "-";
  sweep::Plan plan = plan_;
  if (extra_added_) {
    for (const sweep::Stage& stage : extra_.stages) {
      if (!stage.id.starts_with('p')) plan.stages.push_back(stage);
    }
  }
  const auto open = database_.open();
  if (!open.empty()) mark("attempts taken over");
  life_ = std::make_unique<Life>(plan, database_.done(), options, open, *this);
  life_->number = lives_;
  note("coordinator " + std::to_string(lives_) + " starts");
  feed(core::Start{});
  tick(lives_);
}

void World::crash_coordinator() {
  if (!life_) return;
  mark("coordinator crashed");
  note("coordinator crashes");
  life_.reset();
  restarting_ = true;
  later(random_.range(100, 15000), [this] { start_coordinator(); });
}

/// It ended by itself. Where work is left, somebody gives the same command again.
void World::end_coordinator() {
  if (!life_) return;
  mark("coordinator ended");
  note("coordinator ends");
  life_.reset();
  const bool tired = swarm_.tight_budget && !chaos();
  if (all_as_expected() && (extra_added_ || extra_.stages.empty())) return;
  if (tired && extra_added_) return;
  extra_added_ = extra_added_ || !chaos();
  restarting_ = true;
  later(random_.range(100, 5000), [this] { start_coordinator(); });
}

void World::feed(const core::Event& event) {
  if (!life_) return;
  life_->engine.feed(now_ + clock_ahead_, event);
  if (!life_ || life_->engine.pending().empty() || life_->flushing) return;
  life_->flushing = true;
  const std::int64_t number = life_->number;
  later(0, [this, number] {
    if (life_ && life_->number == number) flush();
  });
}

void World::flush() {
  try {
    life_->engine.flush(now_ + clock_ahead_);
  } catch (const Error&) {
    const std::int64_t number = life_->number;
    later(1000, [this, number] {
      if (life_ && life_->number == number) flush();
    });
    return;
  }
  life_->flushing = false;
  if (life_->core.finished() && life_->engine.pending().empty()) {
    end_coordinator();
    return;
  }
  if (!life_->engine.pending().empty()) {
    life_->flushing = true;
    const std::int64_t number = life_->number;
    later(1, [this, number] {
      if (life_ && life_->number == number) flush();
    });
  }
}

std::vector<core::Event> World::commit(const std::vector<core::Action>& batch) {
  if (strikes(swarm_.disk_full)) {
    mark("disk full");
    full_until_ = now_ + random_.range(1000, 30000);
  }
  if (chaos() && now_ < full_until_) throw Error(ErrorCode::Exhausted, "disk full");
  if (strikes(swarm_.commit_fails)) {
    mark("commit failed");
    throw Error(ErrorCode::Unavailable, "I/O error");
  }
  if (strikes(swarm_.crash_before_commit)) {
    mark("crash before commit");
    throw Crash{};
  }
  if (batch.size() > 1) mark("several in one commit");
  for (const core::Action& action : batch) {
    if (std::holds_alternative<core::RecordCost>(action)) mark("steps timed");
  }
  auto answers = database_.apply(batch, random_, chaos() ? swarm_.refuse_result : 0);
  if (strikes(swarm_.crash_after_commit)) {
    mark("crash after commit");
    throw Crash{};
  }
  for (const core::Event& answer : answers) {
    const auto* done = std::get_if<core::CommitDone>(&answer);
    if (done == nullptr) continue;
    if (done->outcome == core::CommitDone::Outcome::Stale) mark("stale result");
    if (done->outcome == core::CommitDone::Outcome::Refused) mark("refused result");
    if (done->outcome == core::CommitDone::Outcome::Committed) mark("result committed");
  }
  return answers;
}

void World::tick(std::int64_t life) {
  if (!life_ || life_->number != life) return;
  feed(core::Tick{});
  if (life_ && life_->core.finished() && life_->engine.pending().empty()) {
    end_coordinator();
    return;
  }
  if (strikes(swarm_.crash_coordinator)) throw Crash{};
  if (strikes(swarm_.jump_clock)) {
    mark("clock jumped");
    clock_ahead_ += random_.range(1000, 3600000);
  }
  later(1000, [this, life] { tick(life); });
}

void World::perform(const core::Action& action) {
  if (const auto* launch_it = std::get_if<core::LaunchGang>(&action)) {
    launch(*launch_it);
  } else if (const auto* kill = std::get_if<core::KillGang>(&action)) {
    mark("gang killed");
    note("kill " + kill->gang + ": " + kill->reason);
    kill_gang(kill->gang);
  } else if (const auto* stop = std::get_if<core::ShutdownGang>(&action)) {
    mark("gang shut down");
    if (lines_of_.contains(stop->gang)) {
      send_to_gang(stop->gang, action);
    } else {
      kill_gang(stop->gang);
    }
  } else if (const auto* assign = std::get_if<core::Assign>(&action)) {
    if (!database_.is_live(assign->stage, assign->fence)) {
      throw Broken{"a lease is given that is not the newest durable one: " + assign->stage};
    }
    for (const std::string& input : inputs_[assign->stage]) {
      if (!database_.is_done(input)) throw Broken{"a stage starts before its input " + input};
    }
    note("assign " + assign->stage + " to " + assign->gang);
    mark("assigned");
    send_to_gang(assign->gang, action);
  } else if (const auto* ack = std::get_if<core::Ack>(&action)) {
    send_to_gang(ack->gang, action);
  } else if (const auto* revoke = std::get_if<core::Revoke>(&action)) {
    mark("revoked");
    send_to_gang(revoke->gang, action);
  }
}

void World::send_to_gang(const std::string& name, const core::Action& action) {
  const auto found = lines_of_.find(name);
  if (found == lines_of_.end()) return;
  const GangPointer gang = found->second;
  travel("message to a gang lost", gang->next_arrival, [this, gang, line = gang->line, action] {
    if (!gang->alive || gang->cut || gang->line != line) return;
    receive(gang, action);
  });
}

void World::interfere() {
  later(1000, [this] { interfere(); });
  if (!chaos()) {
    if (life_ && !extra_added_) {
      extra_added_ = true;
      feed(core::PlanAdded{std::make_shared<const sweep::Plan>(extra_), database_.done()});
    }
    // Whoever paused or cancelled something takes it back in the end.
    if (life_ && life_->core.paused()) feed(core::ResumeRequested{});
    core::RetryRequested retry;
    if (life_ && !swarm_.tight_budget) {
      for (const core::StageView& view : life_->core.stages()) {
        if (view.state == core::StageState::Cancelled) retry.stages.push_back(view.id);
      }
    }
    if (!retry.stages.empty()) feed(retry);
    return;
  }
  if (!life_ || !random_.chance(swarm_.ask_something)) return;
  const auto& stages = life_->core.stages();
  const std::string some = stages[static_cast<std::size_t>(random_.range(
                                      0, static_cast<std::int64_t>(stages.size()) - 1))]
                               .id;
  switch (random_.range(0, 7)) {
    case 0:
      mark("paused");
      feed(core::PauseRequested{});
      break;
    case 1:
      feed(core::ResumeRequested{});
      break;
    case 2:
      mark("drained");
      feed(core::DrainRequested{});
      break;
    case 3:
      mark("cancelled");
      note("cancel " + some);
      feed(core::CancelRequested{{some}});
      break;
    case 4:
      mark("retried");
      feed(core::RetryRequested{{some}});
      break;
    case 5:
      mark("prioritised");
      feed(core::PriorityRequested{{some}, static_cast<int>(random_.range(-5, 5))});
      break;
    case 6:
      mark("stopped");
      feed(core::StopRequested{});
      break;
    default:
      if (extra_added_) break;
      mark("study added");
      extra_added_ = true;
      feed(core::PlanAdded{std::make_shared<const sweep::Plan>(extra_), database_.done()});
  }
}

}  // namespace reprise::simulation
