#pragma once
/// What rank 0's two threads share: the stages at hand, the heartbeat, and the messages that must
/// get through. No sockets: `Link` moves the messages.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/wire.h"

namespace reprise::worker {

/// All functions may be called from any thread.
class LinkState {
 public:
  using Clock = std::chrono::steady_clock;

  /// Without a line for `lost_after` seconds a stage is stopped, for `leave_after` the gang leaves.
  /// `signalled` must outlive the state; true counts as a Shutdown. `wake` is called when a message
  /// becomes due, from the stage's thread and without a lock held.
  LinkState(
      double lost_after, double leave_after, const std::atomic<bool>& signalled,
      std::function<void()> wake = [] {});

  // What the stage's thread calls.

  /// Waits for the next stage. Nothing: the gang should leave; what it had to report was waited
  /// for.
  std::optional<wire::Assign> next_assignment();
  /// Stage and fence of `progress` are ignored: they are those of the stage at hand.
  void report_progress(const wire::Heartbeat& progress);
  [[nodiscard]] bool stop_requested() const;
  /// Sends a result while the gang goes on; waits only where `kReportsMax` are not acknowledged
  /// yet. `acknowledged` is called from the line's thread once the result is durable, and never if
  /// the stage was revoked; it must not call back.
  void post_result(const wire::Result& result, std::function<void()> acknowledged);
  /// Waits: true once acknowledged; false where the stage was revoked or the line stayed lost.
  bool deliver_result(const wire::Result& result);
  /// Waits until the coordinator has noted it (it revokes the stage), or the line stayed lost.
  void deliver_failure(const wire::Failure& failure);

  // What the line's thread calls.

  void set_connected(bool connected);
  void take(const wire::ToGang& message);
  /// The texts to send now; each is due again over a new line, or after a while, until it is
  /// acknowledged.
  std::vector<std::string> due_messages();
  [[nodiscard]] std::string heartbeat_text() const;
  [[nodiscard]] std::chrono::milliseconds heartbeat_interval() const;

  static constexpr std::size_t kReportsMax = 256;

 private:
  /// A result or failure that must get through.
  struct Report {
    std::string text, stage;
    std::int64_t fence = 0;
    std::function<void()> acknowledged;
    Clock::time_point next_try;
  };

  void post(Report report);
  bool wait_for(std::int64_t fence, double patience);
  // With `mutex_` held:
  [[nodiscard]] bool is_lost(double limit) const;
  void begin(const wire::Assign& assign);
  void revoke(const wire::Revoke& revoke);
  void acknowledge(const wire::Ack& ack);
  bool see(std::int64_t fence);

  double lost_after_;
  double leave_after_;
  const std::atomic<bool>& signalled_;
  std::function<void()> wake_;

  mutable std::mutex mutex_;  ///< Guards everything below.
  std::condition_variable changed_;
  std::deque<wire::Assign> assignments_;  ///< That wait for their turn.
  std::set<std::int64_t> seen_;           ///< Fences of the latest assignments.
  std::deque<Report> reports_;
  std::set<std::int64_t> revoked_;  ///< Of `seen_`.
  wire::Heartbeat heartbeat_;       ///< Names the present stage and fence.
  std::chrono::milliseconds heartbeat_interval_{1000};
  bool shutdown_ = false;
  bool connected_ = false;
  Clock::time_point line_changed_ = Clock::now();
};

}  // namespace reprise::worker
