#include "dashboards/statistics.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <numeric>
#include <random>

#include "sweep/error.h"

namespace reprise::dashboards {
namespace {

constexpr std::size_t kExactMax = 50;

/// Ranks of absolute values, ties sharing their mean; `tie_term`: the sum of t³ - t over ties.
std::vector<double> mean_ranks(const std::vector<double>& values, double& tie_term) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(values[a]) < std::abs(values[b]);
  });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && std::abs(values[order[end]]) == std::abs(values[order[begin]])) {
      ++end;
    }
    const double rank = (static_cast<double>(begin) + 1 + static_cast<double>(end)) / 2;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
    const auto tied = static_cast<double>(end - begin);
    tie_term += tied * tied * tied - tied;
    begin = end;
  }
  return ranks;
}

/// The probability of a rank sum of at most `statistic` under equal chances of every sign.
double exact_tail(std::size_t count, double statistic) {
  const std::size_t sums = count * (count + 1) / 2 + 1;
  std::vector<double> patterns(sums);  // Share of sign patterns with each sum of positive ranks.
  patterns[0] = 1;
  for (std::size_t rank = 1; rank <= count; ++rank) {
    for (std::size_t sum = sums; sum-- > 0;) {
      patterns[sum] = (patterns[sum] + (sum >= rank ? patterns[sum - rank] : 0)) / 2;
    }
  }
  const auto last = patterns.begin() + static_cast<long>(statistic) + 1;
  return std::accumulate(patterns.begin(), last, 0.0);
}

/// Efron's acceleration: the skewness of the means that leave one value out.
double acceleration(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double squares = 0;
  double cubes = 0;
  for (const double value : values) {
    const double away = value - mean;  // The jackknife's, but for a factor that cancels.
    squares += away * away;
    cubes += away * away * away;
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

/// The value below which `share` of the sorted `values` lie, interpolated.
double quantile(const std::vector<double>& values, double share) {
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

std::vector<double> resampled_means(const std::vector<double>& values, int resamples,
                                    std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> means;
  means.reserve(static_cast<std::size_t>(resamples));
  // Multiply and shift, because std::uniform_int_distribution differs between libraries.
  const auto pick = [&] {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>((Wide{random()} * values.size()) >> 64U);
  };
  for (int i = 0; i < resamples; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < values.size(); ++j) sum += values[pick()];
    means.push_back(sum / static_cast<double>(values.size()));
  }
  std::sort(means.begin(), means.end());
  return means;
}

}  // namespace

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Wilcoxon wilcoxon(const std::vector<double>& differences) {
  std::vector<double> nonzero;
  std::copy_if(differences.begin(), differences.end(), std::back_inserter(nonzero),
               [](double value) { return value != 0; });
  Wilcoxon result;
  result.count = nonzero.size();
  if (nonzero.empty()) return result;
  double tie_term = 0;
  const std::vector<double> ranks = mean_ranks(nonzero, tie_term);
  double positive = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) positive += nonzero[i] > 0 ? ranks[i] : 0;
  const auto n = static_cast<double>(nonzero.size());
  const double all = n * (n + 1) / 2;
  result.statistic = std::min(positive, all - positive);
  result.is_exact =
      differences.size() <= kExactMax && nonzero.size() == differences.size() && tie_term == 0;
  if (result.is_exact) {
    result.p = std::min(1.0, 2 * exact_tail(nonzero.size(), result.statistic));
    return result;
  }
  const double variance = n * (n + 1) * (2 * n + 1) / 24 - tie_term / 48;
  const double z = (result.statistic - all / 2) / std::sqrt(variance);
  result.p = std::min(1.0, 2 * boost::math::cdf(boost::math::normal(), z));
  return result;
}

Interval bootstrap_mean(const std::vector<double>& values, double confidence, int resamples,
                        std::uint64_t seed) {
  REPRISE_CHECK(values.size() >= 2 && resamples >= 2 && confidence > 0 && confidence < 1);
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  if (*least == *most) return {.low = *least, .high = *least};
  const std::vector<double> means = resampled_means(values, resamples, seed);
  const boost::math::normal standard;
  // Half of the means that equal the sample's count as below it.
  const double mean = mean_of(values);
  const auto below = std::lower_bound(means.begin(), means.end(), mean) - means.begin();
  const auto upto = std::upper_bound(means.begin(), means.end(), mean) - means.begin();
  const double share = static_cast<double>(below + upto) / (2 * static_cast<double>(resamples));
  const double margin = 1 / (2 * static_cast<double>(resamples));
  const double bias = boost::math::quantile(standard, std::clamp(share, margin, 1 - margin));
  const double skew = acceleration(values);
  const auto bound = [&](double tail) {
    const double z = bias + boost::math::quantile(standard, tail);
    return quantile(means, boost::math::cdf(standard, bias + z / (1 - skew * z)));
  };
  return {.low = bound((1 - confidence) / 2), .high = bound((1 + confidence) / 2)};
}

}  // namespace reprise::dashboards
