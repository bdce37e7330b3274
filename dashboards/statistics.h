#pragma once
/// Is a difference between two rows real? Paired statistics over the same slices or subjects.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reprise::dashboards {

/// The arithmetic mean; NaN of none.
double mean_of(const std::vector<double>& values);

/// Wilcoxon's signed-rank test of paired differences (Wilcoxon 1945), two-sided.
struct Wilcoxon {
  double statistic = 0;   ///< The smaller of the two rank sums.
  double p = 1;           ///< 1 where all differences are 0.
  std::size_t count = 0;  ///< Differences that are not 0; zeros are dropped.
  bool is_exact = false;  ///< By counting sign patterns: at most 50 differences, no zeros or ties.
};
/// As SciPy's `wilcoxon` with its defaults: ties share their mean rank; otherwise the normal
/// approximation with tie correction and without continuity correction.
Wilcoxon wilcoxon(const std::vector<double>& differences);

struct Interval {
  double low = 0;
  double high = 0;
};
/// Bootstrap confidence interval of the mean, bias-corrected and accelerated (Efron 1987).
/// Deterministic by `seed`. `confidence` in (0, 1), for example 0.95. Needs at least 2 values;
/// equal values give an interval of width 0.
Interval bootstrap_mean(const std::vector<double>& values, double confidence, int resamples,
                        std::uint64_t seed);

}  // namespace reprise::dashboards
