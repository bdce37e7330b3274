// What stages are expected to take, and what the scheduler learns of it while they run.
#include <algorithm>

#include "orchestrator/core.h"

namespace reprise::core {

void Core::restart_clock(Gang& gang) const {
  gang.started = gang.advanced = now_;
  gang.progress = -1;
  gang.timing = {};
}

/// Of a training that runs long enough: what a step takes, without what came before the first.
void Core::time_steps(Gang& gang, std::size_t stage) {
  Timing& timing = gang.timing;
  if (!nodes_[stage].is_training || timing.is_done || gang.progress <= 0) return;
  if (timing.progress < 0) {
    timing = {.progress = gang.progress, .since = now_, .is_done = false};
    return;
  }
  const std::int64_t steps = gang.progress - timing.progress;
  const std::int64_t passed = now_ - timing.since;
  if (steps < options_.timed_steps || passed < options_.timed_ms) return;
  timing.is_done = true;
  sweep::StepCost cost;
  cost.step_seconds = static_cast<double>(passed) / 1000 / static_cast<double>(steps);
  // A resumed attempt's first heartbeat counts steps that others made: then there is no start left.
  const double first = static_cast<double>(timing.progress) * cost.step_seconds;
  const auto before = static_cast<double>(timing.since - gang.started) / 1000;
  cost.start_seconds = std::max(0.0, before - first);
  actions_.emplace_back(
      RecordCost{views_[stage].fence, steps, cost.step_seconds, cost.start_seconds});
  learn(gang, stage, cost);
}

/// Of a stage that ends. A training too short to be timed tells something only where nothing is
/// known: its start is in it.
void Core::measure(const Gang& gang, std::size_t stage) {
  const Node& node = nodes_[stage];
  if (gang.queue.front() != stage || gang.timing.is_done) return;
  const bool may_have_resumed = views_[stage].failures + views_[stage].losses > 0;
  if (node.is_training && (may_have_resumed || costs_.is_measured(node.shape, gang.ranks))) return;
  const auto passed = static_cast<double>(now_ - gang.started) / 1000;
  learn(gang, stage, {.step_seconds = passed / static_cast<double>(node.steps)});
}

void Core::learn(const Gang& gang, std::size_t stage, const sweep::StepCost& cost) {
  if (costs_.add(nodes_[stage].shape, gang.ranks, cost)) reckon();
}

/// Puts what waits into order by what is known now.
void Core::reckon() {
  ready_.clear();
  work_left_ = 0;
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    double longest = 0;
    for (const std::size_t next : node.dependants) {
      longest = std::max(longest, nodes_[next].remaining);
    }
    node.expected = costs_.estimate(node.shape, node.steps).seconds;
    node.remaining = longest + node.expected;
    const StageState state = views_[i].state;
    if (state == StageState::Ready && node.not_before <= now_) ready_.insert(rank_of(i));
    const bool is_open =
        state == StageState::Blocked || state == StageState::Ready || state == StageState::Running;
    if (is_open) work_left_ += node.expected;
  }
}

}  // namespace reprise::core
