#pragma once
/// What sharing stages saves: training steps counted in three ways, and the longest chain.

#include <cstdint>
#include <functional>
#include <string>

#include "sweep/study.h"

namespace reprise::sweep {

struct StepCounts {
  /// Every study of the folder alone, each row trained from scratch (pretraining and fine-tuning),
  /// its U-Nets once a study.
  std::int64_t every_table_alone = 0;
  /// Every distinct run once, U-Nets once, but each fine-tuning with a pretraining of its own.
  std::int64_t every_run_once = 0;
  /// Every distinct stage once.
  std::int64_t shared = 0;
};

StepCounts count_steps(const Study& study, const Plan& plan);

/// The longest chain of stages by `cost` (seconds, or anything that adds up).
double longest_chain(const Plan& plan, const std::function<double(const Stage&)>& cost);

}  // namespace reprise::sweep
