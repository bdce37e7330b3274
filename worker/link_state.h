#pragma once
/// What rank 0's two threads share: the stage at hand, its heartbeat, and the message that must get
/// through. No sockets: `Link` moves the messages.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

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

  /// Waits for the next stage. Nothing: the gang should leave.
  std::optional<wire::Assign> next_assignment();
  /// Stage and fence of `progress` are ignored: they are those of the stage at hand.
  void report_progress(const wire::Heartbeat& progress);
  [[nodiscard]] bool stop_requested() const;
  /// True once acknowledged; false where the stage was revoked or the line stayed lost.
  bool deliver_result(const wire::Result& result);
  /// Waits until it was sent once, or the line stayed lost.
  void deliver_failure(const wire::Failure& failure);

  // What the line's thread calls.

  void set_connected(bool connected);
  void take(const wire::ToGang& message);
  /// The text to send now, if any is due; results are due again until they are acknowledged.
  std::optional<std::string> due_message();
  void mark_sent();
  [[nodiscard]] std::string heartbeat_text() const;
  [[nodiscard]] std::chrono::milliseconds heartbeat_interval() const;

 private:
  /// A message that must get through, and how far it is.
  struct Outgoing {
    std::string text;
    std::string stage;
    std::int64_t fence = 0;
    bool until_acknowledged = false;
    bool sent = false;
    bool acknowledged = false;
    Clock::time_point next_try;
  };

  bool deliver(Outgoing outgoing, double patience);
  // With `mutex_` held:
  [[nodiscard]] bool is_lost(double limit) const;
  [[nodiscard]] bool is_present(const std::string& stage, std::int64_t fence) const;
  void begin(const wire::Assign& assign);
  void revoke(const wire::Revoke& revoke);

  double lost_after_;
  double leave_after_;
  const std::atomic<bool>& signalled_;
  std::function<void()> wake_;

  mutable std::mutex mutex_;  ///< Guards everything below.
  std::condition_variable changed_;
  std::optional<wire::Assign> assignment_;
  std::optional<Outgoing> outgoing_;
  wire::Heartbeat heartbeat_;  ///< Names the present stage and fence.
  std::chrono::milliseconds heartbeat_interval_{1000};
  bool shutdown_ = false;
  bool revoked_ = false;
  bool connected_ = false;
  Clock::time_point line_changed_ = Clock::now();
};

}  // namespace reprise::worker
