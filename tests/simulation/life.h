#pragma once
/// One incarnation of the coordinator.

#include "tests/simulation/world.h"

namespace reprise::simulation {

struct World::Life {
  Life(const sweep::Plan& plan, const std::set<std::string>& done, const core::Options& options,
       const std::vector<core::OpenAttempt>& open, core::Ports& ports)
      : core(plan, done, options, open), engine(core, ports) {}

  core::Core core;
  core::Engine engine;
  std::int64_t number = 0;
  bool flushing = false;
};

}  // namespace reprise::simulation
