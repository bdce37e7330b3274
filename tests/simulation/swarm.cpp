#include "tests/simulation/swarm.h"

namespace reprise::simulation {

Swarm::Swarm(Random& random) {
  const auto draw = [&](double most) {
    return random.chance(0.5) ? most * static_cast<double>(random.range(0, 1000)) / 1000 : 0.0;
  };
  lose_message = draw(0.3);
  repeat_message = draw(0.3);
  reset_line = draw(0.03);
  partition = draw(0.03);
  crash_gang = draw(0.02);
  hang_gang = draw(0.02);
  hang_member = draw(0.02);
  die_at_start = draw(0.3);
  vanish_job = draw(0.1);
  second_copy = draw(0.2);
  zombie = draw(0.5);
  crash_coordinator = draw(0.02);
  crash_before_commit = draw(0.03);
  crash_after_commit = draw(0.03);
  commit_fails = draw(0.2);
  disk_full = draw(0.01);
  fail_stage = draw(0.2);
  refuse_result = draw(0.05);
  hand_back = draw(0.02);
  ask_something = draw(0.05);
  jump_clock = draw(0.003);
  in_order = random.chance(0.6);
  survives = random.chance(0.5);
  tight_budget = random.chance(0.15);
  latency_min = random.range(0, 5);
  latency_max = latency_min + random.range(1, 500);
  heal_at = random.range(10, 120) * 1000;
}

}  // namespace reprise::simulation
