#pragma once
/// Samplers of `[search]`: points of the unit cube, one coordinate an axis. Internal to sweep/.

#include <cstdint>
#include <vector>

#include "sweep/axis_sample.h"

namespace reprise::sweep {

/// A configuration that was tried: how far it came, and its value there (greater is better).
struct TpePoint {
  std::vector<double> units;
  std::size_t rung = 0;
  double value = 0;
};

/// Coordinates of configuration `index`, independent of all others.
std::vector<double> random_sample(const std::vector<SampleAxis>& axes, std::uint64_t seed,
                                  std::size_t index);

/// Tree-structured Parzen estimator: of 24 candidates drawn where the best quarter of `known` is
/// dense, the one at which that density most exceeds that of the rest, axis by axis. With fewer
/// than 4 known points: `random_sample`.
std::vector<double> tpe_sample(const std::vector<SampleAxis>& axes, std::uint64_t seed,
                               std::size_t index, const std::vector<TpePoint>& known);

}  // namespace reprise::sweep
