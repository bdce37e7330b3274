// Drives the scheduler through seeded disasters: crashes, silence, stalls, delays, duplicates.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "orchestrator/core.h"
#include "tests/orchestrator/core_plan.h"

namespace reprise::core {
namespace {

class Simulation {
 public:
  explicit Simulation(unsigned seed) : random_(seed), core_(plan(), {}, options()) {}

  void run() {
    feed(Start{});
    for (; !core_.finished() && now_ < kEnd; now_ += 50) {
      // Events due now; those they cause come later.
      while (!queue_.empty() && queue_.begin()->first <= now_) {
        const Event event = queue_.begin()->second;
        queue_.erase(queue_.begin());
        deliver(event);
      }
      feed(Tick{});
      check();
    }
    ASSERT_TRUE(core_.finished()) << "work did not end";
    for (const StageView& stage : core_.stages()) {
      const bool has_result = results_.contains(stage.id);
      if (stage.state == StageState::Done) {
        ASSERT_TRUE(has_result);
        ASSERT_EQ(results_.at(stage.id), stage.fence);
      } else {
        ASSERT_TRUE(stage.state == StageState::Failed || stage.state == StageState::Aborted);
      }
    }
    for (const auto& [fence, open] : open_) ASSERT_FALSE(open) << "attempt " << fence << " is open";
    ASSERT_TRUE(alive_.empty());
  }

 private:
  static constexpr std::int64_t kEnd = 4000000;

  static sweep::Plan plan() {
    sweep::Plan plan;
    plan.study = "sim";
    plan.stages = {make_stage("u", 40),
                   make_stage("p", 100),
                   make_stage("f1", 30, {"p", "u"}),
                   make_stage("f2", 20, {"p"}),
                   make_stage("e1", 1, {"f1", "u"}),
                   make_stage("e2", 1, {"f2", "u"}),
                   make_stage("e0", 1, {"u"})};
    return plan;
  }
  static Options options() {
    Options o;
    o.slots = 3;
    o.prefix = "g";
    o.lease_ms = 2000;
    o.stall_ms = 6000;
    o.launch_ms = 5000;
    o.stop_ms = 3000;
    o.failures_max = 6;
    o.ahead_ms = 0;  // One stage a gang: here steps say nothing of how long one lasts.
    return o;
  }

  std::int64_t roll(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool chance(int percent) { return roll(0, 99) < percent; }
  void later(std::int64_t delay, const Event& event) { queue_.emplace(now_ + delay, event); }

  void deliver(const Event& event) {
    if (const auto* gone = std::get_if<GangExited>(&event)) {
      if (alive_.erase(gone->gang) == 0) return;  // Already dead.
    }
    feed(event);
  }

  void feed(const Event& event) {
    for (const Action& action : core_.handle(now_, event)) perform(action);
  }

  void perform(const Action& action) {
    if (const auto* a = std::get_if<LaunchGang>(&action)) {
      ASSERT_TRUE(alive_.insert(a->gang).second);
      if (chance(10)) {
        later(roll(10, 500), GangExited{a->gang, "crashed at start"});
      } else if (!chance(5)) {
        later(roll(10, 900), GangConnected{a->gang});
      }
    } else if (const auto* begin = std::get_if<BeginAttempt>(&action)) {
      const std::int64_t fence = ++fences_;
      newest_[begin->stage] = fence;
      open_[fence] = true;
      feed(AttemptBegun{begin->gang, begin->stage, begin->ticket, fence});
    } else if (const auto* assign = std::get_if<Assign>(&action)) {
      ASSERT_EQ(newest_.at(assign->stage), assign->fence);
      if (seen_.insert(assign->fence).second) work(*assign);
    } else if (const auto* commit = std::get_if<CommitResult>(&action)) {
      const bool fresh = !results_.contains(commit->stage) &&
                         newest_.at(commit->stage) == commit->fence && open_.at(commit->fence);
      if (fresh) {
        results_[commit->stage] = commit->fence;
        open_[commit->fence] = false;
      }
      feed(CommitDone{commit->gang, commit->stage, commit->fence,
                      fresh ? CommitDone::Outcome::Committed : CommitDone::Outcome::Stale, ""});
    } else if (const auto* end = std::get_if<EndAttempt>(&action)) {
      ASSERT_TRUE(open_.at(end->fence)) << "ended twice";
      open_[end->fence] = false;
    } else if (const auto* kill = std::get_if<KillGang>(&action)) {
      later(roll(1, 3000), GangExited{kill->gang, "killed"});
    } else if (const auto* stop = std::get_if<ShutdownGang>(&action)) {
      if (!chance(10)) later(roll(1, 1000), GangExited{stop->gang, "exit 0"});
    }
  }

  /// Everything a gang will send about one attempt, decided at once.
  void work(const Assign& a) {
    const std::int64_t length = roll(200, 8000);
    const bool silent = chance(8);
    const bool stalls = chance(8);
    const std::int64_t fatal = chance(15) ? roll(0, length) : length + 1;
    const std::int64_t end = stalls ? 60000 : length;
    for (std::int64_t t = 0; t <= end && t < fatal; t += 400) {
      if (silent && t > length / 2) return;
      const std::int64_t progress = stalls ? std::min(t, length / 2) : t;
      later(t + roll(0, 300), GangHeartbeat{a.gang, a.stage, a.fence, progress});
      if (chance(1)) {
        later(t + 10, GangDisconnected{a.gang});
        later(t + 60, GangConnected{a.gang});
      }
    }
    if (fatal <= length) {
      later(fatal, GangExited{a.gang, "crashed"});
    } else if (chance(10)) {
      const bool back = chance(20);
      later(length, FailureReceived{a.gang, a.stage, a.fence, "unavailable",
                                    back ? "handed back" : "out of luck"});
      if (back) later(length + 100, GangExited{a.gang, "exit 0"});
    } else if (!stalls) {
      // Repeated, and sometimes long after the lease is gone.
      for (std::int64_t i = roll(1, 3); i > 0; --i) {
        later(length + roll(0, 200) * i, ResultReceived{a.gang, a.stage, a.fence});
      }
      if (chance(10)) later(length + 9000, ResultReceived{a.gang, a.stage, a.fence});
    }
    // Idle beats keep the gang alive afterwards.
    for (std::int64_t t = end; t <= end + 60000; t += 800) {
      later(t, GangHeartbeat{a.gang, "", 0, 0});
    }
  }

  void check() {
    std::map<std::string, std::string> running;
    for (const StageView& stage : core_.stages()) {
      if (stage.state != StageState::Running) continue;
      ASSERT_TRUE(running.emplace(stage.gang, stage.id).second) << "a gang has two stages";
      if (stage.fence != 0) {
        ASSERT_EQ(newest_.at(stage.id), stage.fence);
      }
    }
    std::map<std::string, int> live;
    for (const auto& [stage, fence] : newest_) {
      if (open_.at(fence)) ++live[stage];
    }
    int open = 0;
    for (const auto& [fence, is_open] : open_) open += is_open ? 1 : 0;
    ASSERT_EQ(open, static_cast<int>(live.size())) << "an old attempt of a stage is still open";
  }

  std::mt19937 random_;
  Core core_;
  std::int64_t now_ = 0;
  std::int64_t fences_ = 0;
  std::multimap<std::int64_t, Event> queue_;
  std::set<std::string> alive_;
  std::set<std::int64_t> seen_;
  std::map<std::string, std::int64_t> newest_, results_;
  std::map<std::int64_t, bool> open_;
};

TEST(CoreSimulation, EveryDisasterEndsWithEachResultCommittedOnce) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(seed).run();
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace reprise::core
