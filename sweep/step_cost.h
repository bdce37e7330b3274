#pragma once
/// What was measured of stages' costs: what the database holds and cost_book.h reckons with.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sweep/stage.h"

namespace reprise::sweep {

/// What was measured of an attempt. A stage that is no training is one step.
struct StepCost {
  double step_seconds = 0;
  double start_seconds = 0;  ///< Once an attempt: data, networks, the first steps.
};

/// Where: steps of one shape take as long on the same kind of device with as many CPU threads a
/// rank, and ranks.
struct Setting {
  std::string device;  ///< "cpu" or "cuda".
  std::int64_t threads = 1;
};

struct CostSample {
  Stage stage;  ///< Kind, configuration, digest of the data set, roles of its inputs.
  Setting setting;
  int ranks = 1;
  StepCost cost;
};

/// Where the newest of them was taken; nothing of none.
std::optional<Setting> newest_setting(const std::vector<CostSample>& samples);

}  // namespace reprise::sweep
