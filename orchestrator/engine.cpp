#include "orchestrator/engine.h"

#include <algorithm>

namespace reprise::core {

bool is_durable(const Action& action) {
  return std::holds_alternative<BeginAttempt>(action) ||
         std::holds_alternative<CommitResult>(action) ||
         std::holds_alternative<EndAttempt>(action) ||
         std::holds_alternative<StageFailed>(action) ||
         std::holds_alternative<StageAborted>(action) ||
         std::holds_alternative<RecordCost>(action) ||
         std::holds_alternative<HostQuarantined>(action);
}

void Engine::feed(std::int64_t now_ms, const Event& event) {
  for (Action& action : core_.handle(now_ms, event)) {
    if (is_durable(action)) {
      batch_.push_back(std::move(action));
    } else {
      ports_.perform(action);
    }
  }
}

void Engine::flush(std::int64_t now_ms) {
  if (batch_.empty()) return;
  const std::size_t count = std::min(batch_.size(), kBatchMax);
  const auto end = batch_.begin() + static_cast<std::ptrdiff_t>(count);
  const std::vector<Action> batch(batch_.begin(), end);
  const std::vector<Event> answers = ports_.commit(batch);
  batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(count));
  for (const Event& answer : answers) feed(now_ms, answer);
}

}  // namespace reprise::core
