// How wide gangs are: a machine of eight places under a virtual clock, whose trainings take what
// the scheduler was told, and what comes of it.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "orchestrator/core.h"
#include "tests/orchestrator/core_plan.h"

namespace reprise::core {
namespace {

constexpr int kPlaces = 8;

/// Seconds a step by ranks.
using StepSeconds = std::map<int, double>;
const StepSeconds kScales{{1, 1.0}, {2, 0.55}, {4, 0.33}, {8, 0.2}};
const StepSeconds kDoesNotScale{{1, 1.0}, {2, 0.9}, {4, 0.85}, {8, 0.8}};

class Machine {
 public:
  Machine(const std::vector<sweep::Stage>& stages, StepSeconds step, bool is_measured = true)
      : step_(std::move(step)), core_(plan_of(stages), {}, options(stages, is_measured)) {
    for (const sweep::Stage& stage : stages) steps_[stage.id] = stage.steps;
  }

  void run() {
    feed(Start{});
    beat();
    while (!core_.finished() && !queue_.empty()) {
      const auto next = queue_.begin();
      now_ = next->first;
      const auto action = next->second;
      queue_.erase(next);
      action();
      ASSERT_LT(now_, 100'000'000) << "it does not end";
    }
    ASSERT_TRUE(core_.finished());
    ASSERT_EQ(ranks_of_.size(), steps_.size());
  }

  /// Ranks of the gang that did a stage.
  [[nodiscard]] int ranks(const std::string& stage) const { return ranks_of_.at(stage); }
  [[nodiscard]] double seconds() const { return static_cast<double>(ended_) / 1000; }

 private:
  struct Gang {
    int ranks = 1;
    std::vector<Assign> queue;
    std::int64_t begun = 0;  ///< Of the stage at work.
  };

  static sweep::Plan plan_of(const std::vector<sweep::Stage>& stages) {
    sweep::Plan plan;
    plan.stages = stages;
    return plan;
  }

  Options options(const std::vector<sweep::Stage>& stages, bool is_measured) const {
    Options o;
    o.slots = kPlaces;
    o.ranks_max = kPlaces;
    std::vector<sweep::CostSample> samples;
    for (const auto& [ranks, seconds] : step_) {
      samples.push_back({.stage = stages.front(),
                         .setting = {.device = "cuda", .threads = 1},
                         .ranks = ranks,
                         .cost = {.step_seconds = seconds, .start_seconds = 0}});
    }
    if (is_measured) o.costs = sweep::CostBook(samples, samples.front().setting);
    return o;
  }

  void later(double seconds, std::function<void()> action) {
    queue_.emplace(now_ + static_cast<std::int64_t>(seconds * 1000), std::move(action));
  }
  void feed(const Event& event) {
    for (const Action& action : core_.handle(now_, event)) perform(action);
  }

  void beat() {
    for (const auto& [name, gang] : std::map(gangs_)) {
      const Assign at = gang.queue.empty() ? Assign{} : gang.queue.front();
      const double passed = static_cast<double>(now_ - gang.begun) / 1000;
      const auto steps = static_cast<std::int64_t>(passed / step_.at(gang.ranks));
      feed(GangHeartbeat{name, at.stage, at.fence, steps});
    }
    feed(Tick{});
    later(5, [this] { beat(); });
  }

  void work(const std::string& name) {
    Gang& gang = gangs_.at(name);
    gang.begun = now_;
    const Assign at = gang.queue.front();
    later(static_cast<double>(steps_.at(at.stage)) * step_.at(gang.ranks), [this, name, at] {
      Gang& worker = gangs_.at(name);
      ranks_of_[at.stage] = worker.ranks;
      worker.queue.erase(worker.queue.begin());
      if (!worker.queue.empty()) work(name);
      ended_ = now_;
      feed(ResultReceived{name, at.stage, at.fence});
    });
  }

  void perform(const Action& action) {
    if (const auto* start = std::get_if<LaunchGang>(&action)) {
      places_ += start->ranks;
      ASSERT_LE(places_, kPlaces);
      later(10, [this, gang = *start] {
        gangs_[gang.gang].ranks = gang.ranks;
        feed(GangConnected{gang.gang, "h", gang.ranks});
      });
    } else if (const auto* begin = std::get_if<BeginAttempt>(&action)) {
      feed(AttemptBegun{begin->gang, begin->stage, begin->ticket, ++fences_});
    } else if (const auto* assign = std::get_if<Assign>(&action)) {
      std::vector<Assign>& queue = gangs_.at(assign->gang).queue;
      queue.push_back(*assign);
      if (queue.size() == 1) work(assign->gang);
    } else if (const auto* commit = std::get_if<CommitResult>(&action)) {
      feed(CommitDone{commit->gang, commit->stage, commit->fence, CommitDone::Outcome::Committed,
                      ""});
    } else if (const auto* stop = std::get_if<ShutdownGang>(&action)) {
      later(2, [this, name = stop->gang] {
        places_ -= gangs_.at(name).ranks;
        gangs_.erase(name);
        feed(GangExited{name, "exit 0"});
      });
    } else {
      ASSERT_FALSE(std::holds_alternative<KillGang>(action));
    }
  }

  StepSeconds step_;
  std::map<std::string, std::int64_t> steps_;
  Core core_;
  std::int64_t now_ = 0, ended_ = 0, fences_ = 0;
  int places_ = 0;
  std::multimap<std::int64_t, std::function<void()>> queue_;
  std::map<std::string, Gang> gangs_;
  std::map<std::string, int> ranks_of_;
};

std::vector<sweep::Stage> independent(const std::string& name, int count, std::int64_t steps,
                                      const std::vector<std::string>& inputs = {}) {
  std::vector<sweep::Stage> stages;
  for (int i = 0; i < count; ++i) {
    stages.push_back(make_stage(name + std::to_string(i), steps, inputs));
  }
  return stages;
}

void append(std::vector<sweep::Stage>& all, const std::vector<sweep::Stage>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

TEST(CoreWidth, GangsHaveOneRankWhileWorkIsPlentiful) {
  const auto stages = independent("s", 40, 1000);
  Machine machine(stages, kScales);
  machine.run();
  for (const sweep::Stage& stage : stages) EXPECT_EQ(machine.ranks(stage.id), 1) << stage.id;
  // Five rounds of eight. One gang of eight ranks would take 8000.
  EXPECT_LT(machine.seconds(), 5 * 1000 + 100);
}

TEST(CoreWidth, TheLastStagesShareThePlaces) {
  auto stages = independent("s", 8, 1000);
  append(stages, independent("last", 2, 1000, {"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"}));
  Machine machine(stages, kScales);
  machine.run();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(machine.ranks("s" + std::to_string(i)), 1) << i;
  EXPECT_EQ(machine.ranks("last0"), 4);
  EXPECT_EQ(machine.ranks("last1"), 4);
  EXPECT_LT(machine.seconds(), 1000 + 330 + 100);
}

TEST(CoreWidth, GangsStayNarrowWhereScalingWasMeasuredNotToPay) {
  Machine machine({make_stage("only", 1000)}, kDoesNotScale);
  machine.run();
  EXPECT_EQ(machine.ranks("only"), 1);
}

TEST(CoreWidth, TheCriticalPathGetsAWideGangBesideNarrowOnes) {
  std::vector<sweep::Stage> stages{make_stage("c0", 1000)};
  for (int i = 1; i < 5; ++i) {
    stages.push_back(make_stage("c" + std::to_string(i), 1000, {"c" + std::to_string(i - 1)}));
  }
  append(stages, independent("s", 24, 100));
  Machine machine(stages, kScales);
  machine.run();
  for (int i = 0; i < 5; ++i) EXPECT_GE(machine.ranks("c" + std::to_string(i)), 4) << i;
  for (int i = 0; i < 24; ++i) EXPECT_EQ(machine.ranks("s" + std::to_string(i)), 1) << i;
  EXPECT_LT(machine.seconds(), 5 * 330 + 100);  // One rank: 5000.
}

TEST(CoreWidth, AWideGangMakesWayForNarrowOnesWhereWorkFansOut) {
  std::vector<sweep::Stage> stages{make_stage("base", 1000)};
  append(stages, independent("f", 16, 500, {"base"}));
  Machine machine(stages, kScales);
  machine.run();
  EXPECT_EQ(machine.ranks("base"), 8);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(machine.ranks("f" + std::to_string(i)), 1) << i;
  EXPECT_LT(machine.seconds(), 200 + 2 * 500 + 100);  // On the wide gang: 200 + 16 * 100.
}

TEST(CoreWidth, WhatWasMeasuredWhileRunningDecidesTheNextWidth) {
  // Nothing is known: the first is tried with all eight, the next with half, and so on, none of
  // which pays.
  std::vector<sweep::Stage> stages{make_stage("c0", 1000)};
  for (int i = 1; i < 8; ++i) {
    stages.push_back(make_stage("c" + std::to_string(i), 1000, {"c" + std::to_string(i - 1)}));
  }
  Machine machine(stages, kDoesNotScale, /*is_measured=*/false);
  machine.run();
  EXPECT_EQ(machine.ranks("c0"), 8);
  EXPECT_EQ(machine.ranks("c1"), 4);
  EXPECT_EQ(machine.ranks("c7"), 1);
}

}  // namespace
}  // namespace reprise::core
