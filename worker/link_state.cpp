#include "worker/link_state.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace reprise::worker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSignalPoll{100};  ///< How soon a signal is noticed.
constexpr milliseconds kRepeat{5000};
constexpr std::size_t kSeenMax = 4096;

}  // namespace

LinkState::LinkState(double lost_after, double leave_after, const std::atomic<bool>& signalled,
                     std::function<void()> wake)
    : lost_after_(lost_after),
      leave_after_(leave_after),
      signalled_(signalled),
      wake_(std::move(wake)) {}

std::optional<wire::Assign> LinkState::next_assignment() {
  std::unique_lock lock(mutex_);
  heartbeat_ = {};
  while (!shutdown_ && !signalled_ && !is_lost(leave_after_)) {
    if (!assignments_.empty()) {
      wire::Assign next = std::move(assignments_.front());
      assignments_.pop_front();
      heartbeat_.stage = next.stage;
      heartbeat_.fence = next.fence;
      return next;
    }
    changed_.wait_for(lock, kSignalPoll);
  }
  while (!reports_.empty() && !is_lost(leave_after_)) changed_.wait_for(lock, kSignalPoll);
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
  return shutdown_ || signalled_ || revoked_.contains(heartbeat_.fence) || is_lost(lost_after_);
}

void LinkState::post_result(const wire::Result& result, std::function<void()> acknowledged) {
  post({.text = wire::encode(wire::FromGang(result)),
        .stage = result.stage,
        .fence = result.fence,
        .acknowledged = std::move(acknowledged),
        .next_try = Clock::now()});
}

bool LinkState::deliver_result(const wire::Result& result) {
  bool durable = false;  // Written under the lock that wait_for holds.
  post_result(result, [&durable] { durable = true; });
  wait_for(result.fence, leave_after_);
  return durable;
}

void LinkState::deliver_failure(const wire::Failure& failure) {
  post({.text = wire::encode(wire::FromGang(failure)),
        .stage = failure.stage,
        .fence = failure.fence,
        .acknowledged = [] {},
        .next_try = Clock::now()});
  wait_for(failure.fence, lost_after_);
}

void LinkState::post(Report report) {
  {
    std::unique_lock lock(mutex_);
    // The line's loss is no way out here: what waits must stay bounded.
    while (reports_.size() >= kReportsMax && !is_lost(leave_after_)) {
      changed_.wait_for(lock, kSignalPoll);
    }
    if (heartbeat_.fence == report.fence) heartbeat_ = {};
    if (revoked_.contains(report.fence)) return;
    reports_.push_back(std::move(report));
  }
  wake_();
}

/// Waits until a report is gone; gives it up with the line.
bool LinkState::wait_for(std::int64_t fence, double patience) {
  std::unique_lock lock(mutex_);
  const auto find = [&] {
    return std::find_if(reports_.begin(), reports_.end(),
                        [fence](const Report& report) { return report.fence == fence; });
  };
  while (find() != reports_.end()) {
    if (is_lost(patience)) {
      reports_.erase(find());
      return false;
    }
    changed_.wait_for(lock, kSignalPoll);
  }
  return true;
}

bool LinkState::is_lost(double limit) const {
  return !connected_ && Clock::now() - line_changed_ > std::chrono::duration<double>(limit);
}

void LinkState::set_connected(bool connected) {
  const std::scoped_lock lock(mutex_);
  if (connected_ == connected) return;
  connected_ = connected;
  line_changed_ = Clock::now();
  // What was on its way over the old line may be lost.
  for (Report& report : reports_) {
    if (connected) report.next_try = Clock::now();
  }
}

std::vector<std::string> LinkState::due_messages() {
  const std::scoped_lock lock(mutex_);
  const auto now = Clock::now();
  std::vector<std::string> texts;
  for (Report& report : reports_) {
    if (now < report.next_try) continue;
    report.next_try = now + kRepeat;
    texts.push_back(report.text);
  }
  return texts;
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
  if (see(assign.fence)) assignments_.push_back(assign);
}

/// True the first time. Fences grow, so the smallest ones are the oldest.
bool LinkState::see(std::int64_t fence) {
  const bool fresh = seen_.insert(fence).second;
  if (seen_.size() > kSeenMax) {
    revoked_.erase(*seen_.begin());
    seen_.erase(seen_.begin());
  }
  return fresh;
}

void LinkState::revoke(const wire::Revoke& revoke) {
  (void)see(revoke.fence);  // Should its assignment still come, it comes too late.
  revoked_.insert(revoke.fence);
  std::erase_if(assignments_, [&](const auto& one) { return one.fence == revoke.fence; });
  std::erase_if(reports_, [&](const Report& one) { return one.fence == revoke.fence; });
}

void LinkState::acknowledge(const wire::Ack& ack) {
  const auto found = std::find_if(reports_.begin(), reports_.end(), [&](const Report& report) {
    return report.stage == ack.stage && report.fence == ack.fence;
  });
  if (found == reports_.end()) return;
  found->acknowledged();
  reports_.erase(found);
}

void LinkState::take(const wire::ToGang& message) {
  set_connected(true);
  const std::scoped_lock lock(mutex_);
  if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    heartbeat_interval_ = milliseconds(std::clamp<std::int64_t>(welcome->heartbeat_ms, 10, 60'000));
  } else if (const auto* assign = std::get_if<wire::Assign>(&message)) {
    begin(*assign);
  } else if (const auto* ack = std::get_if<wire::Ack>(&message)) {
    acknowledge(*ack);
  } else if (const auto* taken_back = std::get_if<wire::Revoke>(&message)) {
    revoke(*taken_back);
  } else if (std::holds_alternative<wire::Shutdown>(message)) {
    shutdown_ = true;
  }
  changed_.notify_all();
}

}  // namespace reprise::worker
