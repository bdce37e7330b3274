#pragma once
/// Two rows of a table, metric by metric, over the slices and subjects that both have.

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "dashboards/statistics.h"
#include "db/store.h"

namespace reprise::dashboards {

/// The differences of one metric over one kind of unit.
struct Comparison {
  std::string metric;
  std::string unit;       ///< "slices", or "subjects": means over each subject's slices.
  std::size_t count = 0;  ///< Pairs.
  double mean_a = 0;
  double mean_b = 0;
  double difference = 0;  ///< Mean of b - a.
  Interval interval;      ///< 95 % of the difference; of width 0 for a single pair.
  Wilcoxon test;
};

struct CompareOptions {
  double confidence = 0.95;
  int resamples = 10'000;
  std::uint64_t seed = 1;
};

/// Compares the results of two evaluate stages. Metrics that only one has, or whose values are all
/// undefined, are left out. Slices come before subjects.
std::vector<Comparison> compare(const db::Store& store, const std::string& stage_a,
                                const std::string& stage_b, const CompareOptions& options);

/// As a Markdown table; `a` and `b` are the rows' labels.
std::string render_comparison(const std::vector<Comparison>& comparisons, const std::string& a,
                              const std::string& b);
/// As JSON: {"a", "b", "comparisons": [{"metric", "unit", "count", "mean_a", "mean_b",
/// "difference", "interval": [low, high], "wilcoxon": {"statistic", "p", "exact"}}...]}.
boost::json::object comparison_json(const std::vector<Comparison>& comparisons,
                                    const std::string& a, const std::string& b);

}  // namespace reprise::dashboards
