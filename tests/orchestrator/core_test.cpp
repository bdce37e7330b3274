#include "orchestrator/core.h"

#include <gtest/gtest.h>

#include "tests/orchestrator/core_plan.h"

namespace reprise::core {
namespace {

sweep::Plan plan_of(std::vector<sweep::Stage> stages) {
  sweep::Plan plan;
  plan.study = "study";
  plan.stages = std::move(stages);
  return plan;
}

/// Drives a core by hand and answers BeginAttempt with fences 1, 2, ...
class Script {
 public:
  Script(std::vector<sweep::Stage> stages, Options options, const std::set<std::string>& done = {})
      : core(plan_of(std::move(stages)), done, options) {}

  std::vector<Action> send(std::int64_t now, const Event& event) {
    std::vector<Action> all;
    for (Action& action : core.handle(now, event)) {
      all.push_back(action);
      if (const auto* begin = std::get_if<BeginAttempt>(&action)) {
        for (Action& more :
             send(now, AttemptBegun{begin->gang, begin->stage, begin->ticket, ++fence})) {
          all.push_back(std::move(more));
        }
      } else if (const auto* commit = std::get_if<CommitResult>(&action)) {
        for (Action& more : send(now, CommitDone{commit->gang, commit->stage, commit->fence,
                                                 CommitDone::Outcome::Committed, ""})) {
          all.push_back(std::move(more));
        }
      }
    }
    return all;
  }

  template <typename T>
  static std::vector<T> only(const std::vector<Action>& actions) {
    std::vector<T> found;
    for (const Action& action : actions) {
      if (const T* one = std::get_if<T>(&action)) found.push_back(*one);
    }
    return found;
  }

  Core core;
  std::int64_t fence = 0;
};

Options options(int gangs = 1) {
  Options o;
  o.slots = gangs;
  o.prefix = "g";
  o.lease_ms = 1000;
  o.stall_ms = 5000;
  o.backoff_ms = 100;
  return o;
}

TEST(Core, RunsAChainAndEnds) {
  Script s({make_stage("a", 10), make_stage("b", 5, {"a"})}, options(2));
  // One gang only: the second stage waits for the first.
  EXPECT_EQ(Script::only<LaunchGang>(s.send(0, Start{})).size(), 1U);
  auto assigned = Script::only<Assign>(s.send(1, GangConnected{"g0"}));
  ASSERT_EQ(assigned.size(), 1U);
  EXPECT_EQ(assigned[0].stage, "a");
  const auto actions = s.send(2, ResultReceived{"g0", "a", 1});
  EXPECT_EQ(Script::only<Ack>(actions).size(), 1U);
  EXPECT_EQ(Script::only<Assign>(actions).at(0).stage, "b");
  // A repeated result is acknowledged again and nothing else.
  EXPECT_EQ(Script::only<Ack>(s.send(3, ResultReceived{"g0", "a", 1})).size(), 1U);
  EXPECT_EQ(Script::only<ShutdownGang>(s.send(4, ResultReceived{"g0", "b", 2})).size(), 1U);
  EXPECT_EQ(Script::only<Finished>(s.send(5, GangExited{"g0", "exit 0"})).size(), 1U);
  EXPECT_TRUE(s.core.finished());
}

TEST(Core, NothingLeftLaunchesNothing) {
  Script s({make_stage("a", 1), make_stage("b", 1, {"a"})}, options(), {"a", "b"});
  const auto actions = s.send(0, Start{});
  EXPECT_EQ(actions.size(), 1U);
  EXPECT_EQ(Script::only<Finished>(actions).size(), 1U);
  EXPECT_TRUE(s.core.stages()[0].reused);
}

TEST(Core, LongestRemainingPathGoesFirst) {
  Script s({make_stage("short", 50), make_stage("long", 10), make_stage("after", 100, {"long"})},
           options());
  s.send(0, Start{});
  EXPECT_EQ(Script::only<Assign>(s.send(1, GangConnected{"g0"})).at(0).stage, "long");
}

/// A training of a kind of network, so that its steps are of another shape than others'.
sweep::Stage stage_of(const std::string& network, const std::string& id, std::int64_t steps,
                      const std::vector<std::string>& inputs = {}) {
  sweep::Stage stage = make_stage(id, steps, inputs);
  stage.config["network"] = {{"name", network}};
  return stage;
}

sweep::CostSample measured(const sweep::Stage& stage, double step_seconds) {
  return {.stage = stage,
          .setting = {.device = "cpu", .threads = 1},
          .ranks = 1,
          .cost = {.step_seconds = step_seconds, .start_seconds = 0}};
}

TEST(Core, MeasuredSecondsCountNotSteps) {
  const auto quick = stage_of("quick", "quick", 1000);
  const auto slow = stage_of("slow", "slow", 100);
  Options o = options();
  o.costs = sweep::CostBook({measured(quick, 0.1), measured(slow, 3)}, {"cpu", 1});
  Script s({quick, slow}, o);
  s.send(0, Start{});
  EXPECT_EQ(Script::only<Assign>(s.send(1, GangConnected{"g0"})).at(0).stage, "slow");
}

TEST(Core, TheFirstMeasurementOfAShapeChangesTheOrder) {
  const auto known = stage_of("known", "known", 100);
  Options o = options();
  o.costs = sweep::CostBook({measured(known, 1)}, {"cpu", 1});
  // Like the known one, 40 steps would take 40 s. They turn out to take five times as long.
  Script s({stage_of("new", "first", 120), known, stage_of("new", "second", 40)}, o);
  s.send(0, Start{});
  EXPECT_EQ(Script::only<Assign>(s.send(0, GangConnected{"g0"})).at(0).stage, "first");
  const auto next = s.send(600'000, ResultReceived{"g0", "first", 1});
  EXPECT_EQ(Script::only<Assign>(next).at(0).stage, "second");
}

TEST(Core, TimesARunningTrainingOnceItHasRunForAHundredSteps) {
  Script s({make_stage("a", 1000)}, options());
  s.send(0, Start{});
  s.send(0, GangConnected{"g0"});
  EXPECT_TRUE(s.send(500, GangHeartbeat{"g0", "a", 1, 0}).empty());    // It still loads.
  EXPECT_TRUE(s.send(1500, GangHeartbeat{"g0", "a", 1, 50}).empty());  // The first steps.
  EXPECT_TRUE(s.send(2500, GangHeartbeat{"g0", "a", 1, 140}).empty());
  const auto told = Script::only<RecordCost>(s.send(3500, GangHeartbeat{"g0", "a", 1, 250}));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].fence, 1);
  EXPECT_EQ(told[0].steps, 200);
  EXPECT_DOUBLE_EQ(told[0].step_seconds, 0.01);
  EXPECT_DOUBLE_EQ(told[0].start_seconds, 1.0);  // 1.5 s to the fiftieth step.
  EXPECT_TRUE(s.send(4500, GangHeartbeat{"g0", "a", 1, 350}).empty());  // Once.
}

TEST(Core, SilentGangLosesItsLeaseAndTheStageMovesOn) {
  Script s({make_stage("a", 1)}, options());
  s.send(0, Start{});
  s.send(1, GangConnected{"g0"});
  EXPECT_TRUE(s.send(1000, Tick{}).empty());
  const auto actions = s.send(1001, Tick{});
  EXPECT_EQ(Script::only<EndAttempt>(actions).at(0).outcome, "lost");
  EXPECT_EQ(Script::only<KillGang>(actions).size(), 1U);
  // Its late result is dropped.
  EXPECT_TRUE(Script::only<CommitResult>(s.send(1002, ResultReceived{"g0", "a", 1})).empty());
  s.send(1003, GangExited{"g0", "killed"});
  EXPECT_EQ(Script::only<LaunchGang>(s.send(2000, Tick{})).at(0).gang, "g1");
  EXPECT_EQ(Script::only<Assign>(s.send(2001, GangConnected{"g1"})).at(0).fence, 2);
}

TEST(Core, StalledAttemptIsRevoked) {
  Script s({make_stage("a", 1)}, options());
  s.send(0, Start{});
  s.send(0, GangConnected{"g0"});
  std::vector<Action> last;
  for (std::int64_t now = 500; now <= 6000 && last.empty(); now += 500) {
    s.send(now, GangHeartbeat{"g0", "a", 1, now < 1000 ? 1 : 2});
    last = s.send(now, Tick{});
    if (now < 6000) {
      EXPECT_TRUE(last.empty()) << now;
    }
  }
  EXPECT_EQ(Script::only<EndAttempt>(last).at(0).outcome, "revoked");
  EXPECT_EQ(Script::only<Revoke>(last).size(), 1U);
  EXPECT_EQ(Script::only<KillGang>(last).size(), 1U);
}

TEST(Core, BudgetIsSpentThenDependantsAreAborted) {
  Script s({make_stage("a", 1), make_stage("b", 1, {"a"}), make_stage("c", 1)}, options(2));
  s.send(0, Start{});
  s.send(0, GangConnected{"g0"});
  s.send(0, GangConnected{"g1"});
  std::int64_t now = 0;
  for (int round = 0; round < 20 && s.core.stages()[0].state != StageState::Failed; ++round) {
    now += 500;
    s.send(now, GangHeartbeat{"g0", "", 0, 0});
    s.send(now, GangHeartbeat{"g1", "c", 2, now});
    s.send(now, Tick{});
    const auto& stages = s.core.stages();
    if (stages[0].state == StageState::Running) {
      s.send(now, FailureReceived{"g0", "a", stages[0].fence, "unavailable", "no"});
    }
  }
  EXPECT_EQ(s.core.stages()[0].failures, 3);
  EXPECT_EQ(s.core.stages()[1].state, StageState::Aborted);
  EXPECT_EQ(s.core.stages()[1].message, "its input \"a\" failed");
  EXPECT_EQ(s.core.stages()[2].state, StageState::Running);
}

TEST(Core, InvalidInputIsNotRetried) {
  Script s({make_stage("a", 1)}, options());
  s.send(0, Start{});
  s.send(0, GangConnected{"g0"});
  const auto actions = s.send(1, FailureReceived{"g0", "a", 1, "invalid-input", "bad"});
  EXPECT_EQ(Script::only<StageFailed>(actions).at(0).message, "bad");
}

TEST(Core, StopHandsBackWithoutCountingAFailure) {
  Script s({make_stage("a", 1)}, options());
  s.send(0, Start{});
  s.send(0, GangConnected{"g0"});
  EXPECT_EQ(Script::only<ShutdownGang>(s.send(1, StopRequested{})).size(), 1U);
  const auto actions = s.send(2, FailureReceived{"g0", "a", 1, "unavailable", "handed back at 3"});
  EXPECT_EQ(Script::only<EndAttempt>(actions).at(0).outcome, "handed-back");
  EXPECT_EQ(Script::only<Finished>(s.send(3, GangExited{"g0", "exit 0"})).size(), 1U);
  EXPECT_EQ(s.core.stages()[0].failures, 0);
  EXPECT_EQ(s.core.stages()[0].state, StageState::Ready);
}

TEST(Core, ReconnectedGangGetsItsAssignmentAgain) {
  Script s({make_stage("a", 1)}, options());
  s.send(0, Start{});
  s.send(0, GangConnected{"g0"});
  s.send(1, GangDisconnected{"g0"});
  EXPECT_EQ(Script::only<Assign>(s.send(2, GangConnected{"g0"})).at(0).fence, 1);
}

TEST(Core, GivesUpWhenNoGangEverSaysHello) {
  Script s({make_stage("a", 1), make_stage("b", 1, {"a"})}, options());
  std::int64_t now = 0;
  s.send(now, Start{});
  for (int i = 0; i < 4; ++i) {
    s.send(now, GangExited{"g" + std::to_string(i), "exit 127"});
    now += 60000;
    s.send(now, Tick{});
  }
  EXPECT_TRUE(s.core.finished());
  EXPECT_EQ(s.core.stages()[0].state, StageState::Failed);
  EXPECT_EQ(s.core.stages()[1].state, StageState::Aborted);
}

}  // namespace
}  // namespace reprise::core
