#include "sweep/tpe.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace reprise::sweep {
namespace {

constexpr std::size_t kStartup = 4;
constexpr std::size_t kCandidates = 24;

/// A density over [0, 1): a uniform prior and a bell at each point; over the choices of an axis
/// with choices: their counts and a prior of one for all together.
class Density {
 public:
  Density(std::vector<double> points, std::size_t choices)
      : points_(std::move(points)), choices_(choices) {
    // Silverman's rule, not below what tells neighbours apart.
    const auto count = static_cast<double>(points_.size());
    double mean = 0;
    for (const double point : points_) mean += point / count;
    double variance = 0;
    for (const double point : points_) variance += (point - mean) * (point - mean) / count;
    width_ = std::clamp(1.06 * std::sqrt(variance) * std::pow(count, -0.2), 0.05, 0.5);
  }

  /// A point by two numbers in [0, 1).
  [[nodiscard]] double draw(double which, double where) const {
    const auto at = static_cast<std::size_t>(which * static_cast<double>(points_.size() + 1));
    if (at >= points_.size()) return where;  // The prior's.
    if (choices_ > 0) return points_[at];
    // The logistic distribution is close to the bell, and its inverse is simple.
    const double clipped = std::clamp(where, 1e-6, 1 - 1e-6);
    const double point = points_[at] + width_ * 0.55 * std::log(clipped / (1 - clipped));
    return std::clamp(point, 0.0, std::nextafter(1.0, 0.0));
  }

  [[nodiscard]] double at(double unit) const {
    double sum = 1;
    for (const double point : points_) sum += choices_ > 0 ? same(unit, point) : bell(unit - point);
    return sum / static_cast<double>(points_.size() + 1);
  }

 private:
  [[nodiscard]] double same(double a, double b) const {
    const auto all = static_cast<double>(choices_);
    return std::floor(a * all) == std::floor(b * all) ? all : 0;
  }
  [[nodiscard]] double bell(double distance) const {
    const double scaled = distance / width_;
    return std::exp(-0.5 * scaled * scaled) / (width_ * std::sqrt(2 * std::numbers::pi));
  }

  std::vector<double> points_;
  std::size_t choices_;
  double width_ = 0.5;
};

}  // namespace

std::vector<double> random_sample(const std::vector<SampleAxis>& axes, std::uint64_t seed,
                                  std::size_t index) {
  std::vector<double> units;
  units.reserve(axes.size());
  for (const SampleAxis& axis : axes) units.push_back(unit_random(seed, index, axis.key));
  return units;
}

std::vector<double> tpe_sample(const std::vector<SampleAxis>& axes, std::uint64_t seed,
                               std::size_t index, const std::vector<TpePoint>& known) {
  if (known.size() < kStartup) return random_sample(axes, seed, index);
  std::vector<const TpePoint*> order;
  order.reserve(known.size());
  for (const TpePoint& point : known) order.push_back(&point);
  // Who came further was the better one of its group.
  std::stable_sort(order.begin(), order.end(), [](const TpePoint* a, const TpePoint* b) {
    return a->rung != b->rung ? a->rung > b->rung : a->value > b->value;
  });
  const std::size_t good = std::max<std::size_t>(1, known.size() / 4);
  std::vector<double> units;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    std::vector<double> best;
    std::vector<double> rest;
    for (std::size_t i = 0; i < order.size(); ++i) {
      (i < good ? best : rest).push_back(order[i]->units[axis]);
    }
    const Density dense(std::move(best), axes[axis].choices.size());
    const Density sparse(std::move(rest), axes[axis].choices.size());
    double chosen = 0;
    double highest = -1;
    for (std::size_t c = 0; c < kCandidates; ++c) {
      const std::string key = axes[axis].key + "#" + std::to_string(c);
      const double unit =
          dense.draw(unit_random(seed, index, key), unit_random(seed, index, key + "#"));
      const double gain = dense.at(unit) / sparse.at(unit);
      if (gain <= highest) continue;
      highest = gain;
      chosen = unit;
    }
    units.push_back(chosen);
  }
  return units;
}

}  // namespace reprise::sweep
