#pragma once
/// The scheduler and its database: what must be durable is gathered and committed together.
///
/// Actions that the database must know of (BeginAttempt, CommitResult, EndAttempt, ...) wait for
/// `flush`, which hands them over as one transaction; the answers come after it, and only they make
/// the scheduler say Assign or Ack. So nothing leaves before it is durable, and many stages share
/// one fsync. Where a commit fails, nothing is lost or sent: the next flush tries the same again.

#include <cstdint>
#include <deque>
#include <vector>

#include "orchestrator/core.h"

namespace reprise::core {

class Ports {
 public:
  Ports() = default;
  virtual ~Ports() = default;
  Ports(const Ports&) = delete;
  Ports& operator=(const Ports&) = delete;
  Ports(Ports&&) = delete;
  Ports& operator=(Ports&&) = delete;

  /// Makes a batch durable in one transaction and returns the answers in its order. Throws where
  /// nothing of it became durable, or where that is unknown: it must be safe to repeat.
  virtual std::vector<Event> commit(const std::vector<Action>& batch) = 0;
  /// Every other action.
  virtual void perform(const Action& action) = 0;
};

class Engine {
 public:
  static constexpr std::size_t kBatchMax = 1024;

  /// Both must outlive the engine.
  Engine(Core& core, Ports& ports) : core_(core), ports_(ports) {}

  void feed(std::int64_t now_ms, const Event& event);
  /// What waits for `flush`.
  [[nodiscard]] const std::deque<Action>& pending() const { return batch_; }
  /// Commits one batch. Errors: what `Ports::commit` throws; the batch is kept.
  void flush(std::int64_t now_ms);

 private:
  Core& core_;
  Ports& ports_;
  std::deque<Action> batch_;
};

/// True for the actions that go through `Ports::commit`.
bool is_durable(const Action& action);

}  // namespace reprise::core
