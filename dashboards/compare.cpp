#include "dashboards/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <utility>

#include "db/rows.h"
#include "sweep/error.h"
#include "sweep/printable.h"

namespace reprise::dashboards {
namespace {

using Slice = std::pair<std::string, std::int64_t>;  ///< Subject and number.
/// Metric to the values of its slices.
using Values = std::map<std::string, std::map<Slice, double>>;

Values values_of(const db::Store& store, const std::string& stage) {
  const auto body = store.result(stage);
  if (!body) throw_invalid("stage " + stage + ": has no result yet");
  Values values;
  for (const db::MetricRow& row : db::metric_rows(*body, stage)) {
    if (row.value) values[row.name][{row.subject, row.slice}] = *row.value;
  }
  return values;
}

struct Pairs {
  std::vector<double> a, b;
};

/// Metrics in the tables' order: quality before segmentation, then by name.
int place_of(const std::string& metric) {
  if (metric.rfind("PSNR", 0) == 0) return 0;
  if (metric.rfind("SSIM", 0) == 0) return 1;
  return metric.rfind("Dice", 0) == 0 ? 2 : 3;
}

Comparison compare_pairs(const std::string& metric, const std::string& unit, const Pairs& pairs,
                         const CompareOptions& options) {
  Comparison result;
  result.metric = metric;
  result.unit = unit;
  result.count = pairs.a.size();
  result.mean_a = mean_of(pairs.a);
  result.mean_b = mean_of(pairs.b);
  std::vector<double> differences;
  for (std::size_t i = 0; i < pairs.a.size(); ++i) differences.push_back(pairs.b[i] - pairs.a[i]);
  result.difference = mean_of(differences);
  result.interval = {.low = result.difference, .high = result.difference};
  if (differences.size() > 1) {
    result.interval =
        bootstrap_mean(differences, options.confidence, options.resamples, options.seed);
  }
  result.test = wilcoxon(differences);
  return result;
}

/// The means over the slices of each subject.
Pairs by_subject(const std::map<Slice, double>& a, const std::map<Slice, double>& b) {
  std::map<std::string, Pairs> subjects;
  for (const auto& [slice, value] : a) {
    const auto other = b.find(slice);
    if (other == b.end()) continue;
    subjects[slice.first].a.push_back(value);
    subjects[slice.first].b.push_back(other->second);
  }
  Pairs pairs;
  for (const auto& [subject, own] : subjects) {
    pairs.a.push_back(mean_of(own.a));
    pairs.b.push_back(mean_of(own.b));
  }
  return pairs;
}

Pairs by_slice(const std::map<Slice, double>& a, const std::map<Slice, double>& b) {
  Pairs pairs;
  for (const auto& [slice, value] : a) {
    const auto other = b.find(slice);
    if (other == b.end()) continue;
    pairs.a.push_back(value);
    pairs.b.push_back(other->second);
  }
  return pairs;
}

int decimals(const std::string& metric) {
  return metric.rfind("PSNR", 0) == 0 || metric == "FID" ? 3 : 5;
}

}  // namespace

std::vector<Comparison> compare(const db::Store& store, const std::string& stage_a,
                                const std::string& stage_b, const CompareOptions& options) {
  const Values a = values_of(store, stage_a);
  const Values b = values_of(store, stage_b);
  std::vector<std::string> metrics;
  for (const auto& [metric, values] : a) {
    if (b.contains(metric)) metrics.push_back(metric);
  }
  std::stable_sort(metrics.begin(), metrics.end(),
                   [](const auto& x, const auto& y) { return place_of(x) < place_of(y); });
  std::vector<Comparison> comparisons;
  const auto add = [&](const std::string& unit, const auto& pairs_of) {
    for (const std::string& metric : metrics) {
      const Pairs pairs = pairs_of(a.at(metric), b.at(metric));
      if (pairs.a.empty()) continue;
      comparisons.push_back(compare_pairs(metric, unit, pairs, options));
    }
  };
  add("slices", by_slice);
  add("subjects", by_subject);
  return comparisons;
}

std::string render_comparison(const std::vector<Comparison>& comparisons, const std::string& a,
                              const std::string& b) {
  std::string text = fmt::format(
      "{} against {} (difference: the second minus the first)\n\n"
      "| metric | over | first | second | difference | 95 % interval | p (Wilcoxon) |\n"
      "|---|---|---|---|---|---|---|\n",
      printable(a), printable(b));
  for (const Comparison& c : comparisons) {
    const int digits = decimals(c.metric);
    std::string interval = "–", p = "–";  // One pair says nothing about chance.
    if (c.count > 1) {
      interval = fmt::format("{0:+.{2}f} to {1:+.{2}f}", c.interval.low, c.interval.high, digits);
      p = c.test.p < 1e-4 ? "< 0.0001" : fmt::format("{:.4f}", c.test.p);
    }
    text += fmt::format("| {0} | {1} {2} | {3:.{8}f} | {4:.{8}f} | {5:+.{8}f} | {6} | {7} |\n",
                        printable(c.metric), c.count,
                        c.count == 1 ? c.unit.substr(0, c.unit.size() - 1) : c.unit, c.mean_a,
                        c.mean_b, c.difference, interval, p, digits);
  }
  return text;
}

boost::json::object comparison_json(const std::vector<Comparison>& comparisons,
                                    const std::string& a, const std::string& b) {
  boost::json::array items;
  for (const Comparison& c : comparisons) {
    items.push_back(
        {{"metric", c.metric},
         {"unit", c.unit},
         {"count", c.count},
         {"mean_a", c.mean_a},
         {"mean_b", c.mean_b},
         {"difference", c.difference},
         {"interval", {c.interval.low, c.interval.high}},
         {"wilcoxon",
          {{"statistic", c.test.statistic}, {"p", c.test.p}, {"exact", c.test.is_exact}}}});
  }
  return {{"a", a}, {"b", b}, {"comparisons", std::move(items)}};
}

}  // namespace reprise::dashboards
