#include "worker/link_state.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace reprise::worker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPoll{100};  ///< How soon a signal is noticed.
constexpr milliseconds kResultRepeat{2000};

}  // namespace

LinkState::LinkState(double lost_after, double leave_after, const std::atomic<bool>& signalled,
                     std::function<void()> wake)
    : lost_after_(lost_after),
      leave_after_(leave_after),
      signalled_(signalled),
      wake_(std::move(wake)) {}

std::optional<wire::Assign> LinkState::next_assignment() {
  std::unique_lock lock(mutex_);
  while (!shutdown_ && !signalled_ && !is_lost(leave_after_)) {
    if (assignment_) return std::exchange(assignment_, std::nullopt);
    changed_.wait_for(lock, kPoll);
  }
  return std::nullopt;
}

void LinkState::report_progress(const wire::Heartbeat& progress) {
  const std::scoped_lock lock(mutex_);
  const auto keep = heartbeat_;
  heartbeat_ = progress;
  heartbeat_.stage = keep.stage;
  heartbeat_.fence = keep.fence;
}

bool LinkState::stop_requested() const {
  const std::scoped_lock lock(mutex_);
  return shutdown_ || revoked_ || signalled_ || is_lost(lost_after_);
}

bool LinkState::deliver_result(const wire::Result& result) {
  Outgoing outgoing;
  outgoing.text = wire::encode(wire::FromGang(result));
  outgoing.stage = result.stage;
  outgoing.fence = result.fence;
  outgoing.until_acknowledged = true;
  return deliver(std::move(outgoing), leave_after_);
}

void LinkState::deliver_failure(const wire::Failure& failure) {
  Outgoing outgoing;
  outgoing.text = wire::encode(wire::FromGang(failure));
  outgoing.stage = failure.stage;
  outgoing.fence = failure.fence;
  deliver(std::move(outgoing), lost_after_);
}

bool LinkState::deliver(Outgoing outgoing, double patience) {
  const std::string stage = outgoing.stage;
  const std::int64_t fence = outgoing.fence;
  const bool until_acknowledged = outgoing.until_acknowledged;
  outgoing.next_try = Clock::now();
  std::unique_lock lock(mutex_);
  outgoing_ = std::move(outgoing);
  lock.unlock();
  wake_();
  lock.lock();
  const auto is_done = [&] {
    return until_acknowledged ? outgoing_->acknowledged : outgoing_->sent;
  };
  while (!is_done() && !(until_acknowledged && revoked_) && !is_lost(patience)) {
    changed_.wait_for(lock, kPoll);
  }
  const bool delivered = is_done();
  outgoing_.reset();
  // The next stage may already have been assigned.
  if (is_present(stage, fence)) heartbeat_ = {};
  return delivered;
}

bool LinkState::is_lost(double limit) const {
  return !connected_ && Clock::now() - line_changed_ > std::chrono::duration<double>(limit);
}

bool LinkState::is_present(const std::string& stage, std::int64_t fence) const {
  return heartbeat_.stage == stage && heartbeat_.fence == fence;
}

void LinkState::set_connected(bool connected) {
  const std::scoped_lock lock(mutex_);
  if (connected_ == connected) return;
  connected_ = connected;
  line_changed_ = Clock::now();
  // What was on its way over the old line may be lost.
  if (outgoing_ && connected) outgoing_->next_try = Clock::now();
}

std::optional<std::string> LinkState::due_message() {
  const std::scoped_lock lock(mutex_);
  if (!outgoing_ || outgoing_->acknowledged || Clock::now() < outgoing_->next_try) {
    return std::nullopt;
  }
  if (outgoing_->sent && !outgoing_->until_acknowledged) return std::nullopt;
  outgoing_->next_try = Clock::now() + kResultRepeat;
  return outgoing_->text;
}

void LinkState::mark_sent() {
  const std::scoped_lock lock(mutex_);
  if (outgoing_) outgoing_->sent = true;
  changed_.notify_all();
}

std::string LinkState::heartbeat_text() const {
  const std::scoped_lock lock(mutex_);
  return wire::encode(wire::FromGang(heartbeat_));
}

milliseconds LinkState::heartbeat_interval() const {
  const std::scoped_lock lock(mutex_);
  return heartbeat_interval_;
}

void LinkState::begin(const wire::Assign& assign) {
  assignment_ = assign;
  revoked_ = false;
  heartbeat_ = {};
  heartbeat_.stage = assign.stage;
  heartbeat_.fence = assign.fence;
}

void LinkState::revoke(const wire::Revoke& revoke) {
  if (!is_present(revoke.stage, revoke.fence)) return;
  revoked_ = true;
  if (assignment_) {  // Taken back before the gang saw it.
    assignment_.reset();
    heartbeat_ = {};
  }
}

void LinkState::take(const wire::ToGang& message) {
  set_connected(true);
  const std::scoped_lock lock(mutex_);
  if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    heartbeat_interval_ = milliseconds(std::clamp<std::int64_t>(welcome->heartbeat_ms, 10, 60'000));
  } else if (const auto* assign = std::get_if<wire::Assign>(&message)) {
    begin(*assign);
  } else if (const auto* ack = std::get_if<wire::Ack>(&message)) {
    if (outgoing_ && outgoing_->stage == ack->stage && outgoing_->fence == ack->fence) {
      outgoing_->acknowledged = true;
    }
  } else if (const auto* taken_back = std::get_if<wire::Revoke>(&message)) {
    revoke(*taken_back);
  } else if (std::holds_alternative<wire::Shutdown>(message)) {
    shutdown_ = true;
  }
  changed_.notify_all();
}

}  // namespace reprise::worker
