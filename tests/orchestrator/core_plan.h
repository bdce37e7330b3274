#pragma once
/// Plans for the scheduler's tests.

#include <string>
#include <vector>

#include "sweep/plan.h"

namespace reprise::core {

inline sweep::Stage make_stage(const std::string& id, std::int64_t steps,
                               const std::vector<std::string>& inputs = {}) {
  sweep::Stage stage;
  stage.id = id;
  stage.label = id;
  stage.steps = steps;
  for (const std::string& input : inputs) stage.inputs["from-" + input] = input;
  return stage;
}

}  // namespace reprise::core
