#include "worker/link_state.h"

#include <gtest/gtest.h>

#include <thread>

namespace reprise::worker {
namespace {

wire::Assign assign_of(const std::string& stage, std::int64_t fence) {
  wire::Assign assign;
  assign.stage = stage;
  assign.fence = fence;
  return assign;
}

wire::Heartbeat heartbeat_of(const LinkState& state) {
  return std::get<wire::Heartbeat>(wire::decode_from_gang(state.heartbeat_text()));
}

class LinkStateTest : public testing::Test {
 protected:
  std::atomic<bool> signalled_{false};
  LinkState state_{/*lost_after=*/1000, /*leave_after=*/1000, signalled_};
};

TEST_F(LinkStateTest, HandsOutAnAssignmentOnceAndNamesItInHeartbeats) {
  state_.take(wire::Assign(assign_of("a", 7)));
  EXPECT_EQ(state_.next_assignment()->stage, "a");
  wire::Heartbeat progress;
  progress.stage = "ignored";
  progress.progress = 3;
  state_.report_progress(progress);
  const auto beat = heartbeat_of(state_);
  EXPECT_EQ(beat.stage, "a");
  EXPECT_EQ(beat.fence, 7);
  EXPECT_EQ(beat.progress, 3);
  signalled_ = true;
  EXPECT_FALSE(state_.next_assignment().has_value());
}

TEST_F(LinkStateTest, StopsForARevokeOfThePresentFenceOnly) {
  state_.take(wire::Assign(assign_of("a", 7)));
  (void)state_.next_assignment();
  state_.take(wire::Revoke{.stage = "a", .fence = 6, .reason = "stale"});
  EXPECT_FALSE(state_.stop_requested());
  state_.take(wire::Revoke{.stage = "a", .fence = 7, .reason = "lease lost"});
  EXPECT_TRUE(state_.stop_requested());
  state_.take(wire::Assign(assign_of("b", 8)));
  EXPECT_TRUE(state_.stop_requested());  // It is still the stage at hand.
  EXPECT_EQ(state_.next_assignment()->stage, "b");
  EXPECT_FALSE(state_.stop_requested());
}

TEST_F(LinkStateTest, ForgetsAnAssignmentTakenBackBeforeTheGangSawIt) {
  state_.take(wire::Assign(assign_of("a", 7)));
  state_.take(wire::Revoke{.stage = "a", .fence = 7, .reason = "paused"});
  EXPECT_EQ(heartbeat_of(state_).stage, "");
  state_.take(wire::Shutdown{});
  EXPECT_FALSE(state_.next_assignment().has_value());
}

TEST_F(LinkStateTest, ShutdownAndSignalStopTheStage) {
  EXPECT_FALSE(state_.stop_requested());
  signalled_ = true;
  EXPECT_TRUE(state_.stop_requested());
  signalled_ = false;
  state_.take(wire::Shutdown{});
  EXPECT_TRUE(state_.stop_requested());
}

TEST(LinkStateLost, StopsTheStageFirstAndLeavesLater) {
  const std::atomic<bool> signalled{false};
  LinkState short_lease(/*lost_after=*/0, /*leave_after=*/1000, signalled);
  EXPECT_TRUE(short_lease.stop_requested());
  short_lease.set_connected(true);
  EXPECT_FALSE(short_lease.stop_requested());
  LinkState impatient(/*lost_after=*/0, /*leave_after=*/0, signalled);
  EXPECT_FALSE(impatient.next_assignment().has_value());
}

/// Sends as the line does until `delivered` is set; returns the texts sent.
std::vector<std::string> pump(LinkState& state, const std::atomic<bool>& delivered,
                              const std::function<void()>& after_send) {
  std::vector<std::string> sent;
  while (!delivered) {
    for (const std::string& text : state.due_messages()) {
      sent.push_back(text);
      after_send();
    }
    std::this_thread::yield();
  }
  return sent;
}

TEST_F(LinkStateTest, AResultWaitsForItsOwnAcknowledgement) {
  state_.take(wire::Assign(assign_of("a", 7)));
  (void)state_.next_assignment();
  std::atomic<bool> delivered{false};
  bool accepted = false;
  std::thread stage([&] {
    accepted = state_.deliver_result({.stage = "a", .fence = 7, .body = {}});
    delivered = true;
  });
  const auto sent = pump(state_, delivered, [&] {
    state_.take(wire::Ack{.stage = "a", .fence = 6});  // Of an older attempt.
    EXPECT_FALSE(delivered);
    state_.take(wire::Ack{.stage = "a", .fence = 7});
  });
  stage.join();
  EXPECT_TRUE(accepted);
  ASSERT_EQ(sent.size(), 1);
  EXPECT_EQ(std::get<wire::Result>(wire::decode_from_gang(sent[0])).fence, 7);
  EXPECT_EQ(heartbeat_of(state_).stage, "");
}

TEST_F(LinkStateTest, AResultIsSentAgainOverANewLine) {
  state_.take(wire::Assign(assign_of("a", 7)));
  std::atomic<bool> delivered{false};
  int sends = 0;
  std::thread stage([&] {
    EXPECT_TRUE(state_.deliver_result({.stage = "a", .fence = 7, .body = {}}));
    delivered = true;
  });
  const auto sent = pump(state_, delivered, [&] {
    if (++sends == 1) {
      state_.set_connected(false);
      state_.set_connected(true);
    } else {
      state_.take(wire::Ack{.stage = "a", .fence = 7});
    }
  });
  stage.join();
  EXPECT_EQ(sent.size(), 2);
}

TEST_F(LinkStateTest, ARevokedResultIsGivenUp) {
  state_.take(wire::Assign(assign_of("a", 7)));
  (void)state_.next_assignment();
  state_.take(wire::Revoke{.stage = "a", .fence = 7, .reason = "lease lost"});
  EXPECT_FALSE(state_.deliver_result({.stage = "a", .fence = 7, .body = {}}));
}

TEST_F(LinkStateTest, AFailureIsRepeatedUntilItIsNoted) {
  std::atomic<bool> delivered{false};
  std::thread stage([&] {
    state_.deliver_failure({.stage = "a", .fence = 7, .code = "internal", .message = "x"});
    delivered = true;
  });
  const auto sent = pump(state_, delivered, [&] {
    state_.take(wire::Revoke{.stage = "a", .fence = 7, .reason = ""});
  });
  stage.join();
  EXPECT_EQ(sent.size(), 1);
  EXPECT_TRUE(state_.due_messages().empty());
}

TEST_F(LinkStateTest, StagesQueueAndResultsTravelWhileTheGangGoesOn) {
  for (const std::int64_t fence : {1, 2, 3}) {
    state_.take(wire::Assign(assign_of("s" + std::to_string(fence), fence)));
  }
  state_.take(wire::Assign(assign_of("s2", 2)));  // Said again: no second time.
  state_.take(wire::Revoke{.stage = "s2", .fence = 2, .reason = "cancelled"});
  state_.take(wire::Assign(assign_of("s2", 2)));  // Too late.
  int durable = 0;
  EXPECT_EQ(state_.next_assignment()->stage, "s1");
  state_.post_result({.stage = "s1", .fence = 1, .body = {}}, [&] { ++durable; });
  EXPECT_EQ(heartbeat_of(state_).stage, "");
  EXPECT_EQ(state_.next_assignment()->stage, "s3");
  EXPECT_EQ(heartbeat_of(state_).stage, "s3");
  state_.post_result({.stage = "s3", .fence = 3, .body = {}}, [&] { ++durable; });
  EXPECT_EQ(state_.due_messages().size(), 2U);
  EXPECT_TRUE(state_.due_messages().empty());
  state_.take(wire::Ack{.stage = "s3", .fence = 3});
  state_.take(wire::Revoke{.stage = "s1", .fence = 1, .reason = "done elsewhere"});
  EXPECT_EQ(durable, 1);
  state_.set_connected(false);
  state_.set_connected(true);
  EXPECT_TRUE(state_.due_messages().empty());
  state_.take(wire::Shutdown{});
  EXPECT_FALSE(state_.next_assignment().has_value());
}

}  // namespace
}  // namespace reprise::worker
