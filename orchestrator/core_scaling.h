#pragma once
/// How long stages take and how they scale, from what was measured.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "sweep/stage.h"

namespace reprise::core {

/// Stages that are expected to cost alike: one kind, and steps within a factor of two.
using CostClass = std::pair<sweep::StageKind, int>;
CostClass cost_class(sweep::StageKind kind, std::int64_t steps);

/// An attempt that ended well.
struct Measurement {
  sweep::StageKind kind = sweep::StageKind::Pretrain;
  std::int64_t steps = 1;
  int ranks = 1;
  std::int64_t duration_ms = 0;
};

class Scaling {
 public:
  void add(const CostClass& cost, int ranks, std::int64_t duration_ms);

  /// Nothing where no such stage was measured with any number of ranks.
  [[nodiscard]] std::optional<double> duration_ms(const CostClass& cost, int ranks) const;

  /// The largest gang, doubling from `min` up to `max`, as long as each doubling gives at least
  /// half of what it could (1.5 times the speed). Of what was measured, one doubling more is tried;
  /// where nothing was measured, `max`.
  [[nodiscard]] int best_ranks(const CostClass& cost, int min, int max) const;

 private:
  /// Milliseconds by number of ranks, new ones counting a quarter.
  std::map<CostClass, std::map<int, double>> duration_;
};

}  // namespace reprise::core
