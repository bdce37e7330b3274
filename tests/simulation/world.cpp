#include "tests/simulation/world.h"

#include <cstdio>

#include "tests/simulation/life.h"

namespace reprise::simulation {
namespace {

constexpr std::int64_t kConvergeMs = 20LL * 60 * 1000;  ///< From the last fault to the end.

}  // namespace

World::World(std::uint64_t seed, Marks& marks, bool verbose)
    : random_(seed), swarm_(random_), marks_(marks), verbose_(verbose) {
  make_plan();
  options_.slots = static_cast<int>(random_.range(1, 6));
  options_.share_milli = random_.chance(0.25) ? 250 : 1000;
  options_.ranks_max = random_.chance(0.4) ? 4 : 1;
  options_.lease_ms = 10000;
  // A member that hangs is found by its silence alone: progress would find it much later.
  options_.stall_ms = random_.chance(0.5) ? 60000 : 4 * kConvergeMs;
  options_.launch_ms = 20000;
  options_.stop_ms = 10000;
  options_.reform_ms = 3000;
  options_.timed_steps = 5;
  options_.hosts.quarantine_ms = 60000;
  options_.queued = swarm_.survives && random_.chance(0.5);
  if (!swarm_.tight_budget) {
    options_.failures_max = options_.losses_max = options_.launch_failures_max = 1 << 20;
    options_.backoff_max_ms = 10000;
  }
}

World::~World() = default;

void World::later(std::int64_t delay, std::function<void()> action) {
  heap_.push({now_ + delay, numbers_++, std::move(action)});
}

void World::travel(std::string_view loss, std::int64_t& latest,
                   const std::function<void()>& arrive) {
  if (!swarm_.in_order && strikes(swarm_.lose_message)) {
    mark(loss);
    return;
  }
  std::int64_t delay = random_.range(swarm_.latency_min, swarm_.latency_max);
  if (swarm_.in_order) {
    latest = std::max(latest, now_ + delay);
    delay = latest - now_;
  }
  const int copies = !swarm_.in_order && strikes(swarm_.repeat_message) ? 2 : 1;
  for (int i = 0; i < copies; ++i) later(delay * (i + 1), arrive);
}

void World::note(const std::string& text) const {
  if (verbose_) std::printf("%9.3f  %s\n", static_cast<double>(now_) / 1000, text.c_str());
}

void World::run() {
  restarting_ = true;
  later(0, [this] { start_coordinator(); });
  later(1000, [this] { strike_gangs(); });
  later(1000, [this] { interfere(); });
  later(swarm_.heal_at, [this] {
    note("heal");
    for (const auto& gang : gangs_) gang->cut = gang->hung = false;
  });
  while (!heap_.empty()) {
    const Planned next = heap_.top();
    heap_.pop();
    now_ = next.time;
    ++handled_;
    hash_ = (hash_ ^ static_cast<std::uint64_t>(now_)) * 1099511628211ULL;
    try {
      next.action();
    } catch (const Crash&) {
      crash_coordinator();
    }
    check();
    if (!life_ && !restarting_) break;
    if (now_ > swarm_.heal_at + kConvergeMs) {
      for (std::size_t i = 0; life_ && i < life_->core.stages().size(); ++i) {
        const core::StageView& view = life_->core.stages()[i];
        note("left: " + view.id + " " + std::string(core::to_string(view.state)) + " " + view.gang +
             " " + std::to_string(view.fence));
      }
      for (const auto& gang : gangs_) {
        note("left: gang " + gang->name + (gang->connected ? " connected" : "") +
             (gang->hung || gang->member_hung ? " hung" : "") + (gang->leaving ? " leaving" : "") +
             " reports " + std::to_string(gang->reports.size()));
      }
      throw Broken{"the work did not end within 20 minutes of the last fault"};
    }
  }
  check_end();
  for (const std::string& stage : database_.done()) {
    hash_ = (hash_ ^ std::hash<std::string>{}(stage)) * 1099511628211ULL;
  }
}

}  // namespace reprise::simulation
