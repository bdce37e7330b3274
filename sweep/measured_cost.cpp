#include "sweep/measured_cost.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "sweep/json.h"

namespace reprise::sweep {
namespace {

namespace json = boost::json;

/// Of `train`: what a step's work depends on.
constexpr const char* kWorkOfTraining[] = {"batch", "patch", "accumulate"};
constexpr std::size_t kMostSamples = 64;  // The newest: machines and drivers change.

json::object shape_object(const Stage& stage) {
  json::object shape{{"kind", to_string(stage.kind)}, {"dataset", stage.dataset_digest}};
  for (const char* key : {"network", "unet", "scale", "precision", "method", "samples"}) {
    if (const auto* value = stage.config.if_contains(key)) shape[key] = *value;
  }
  if (const auto* losses = stage.config.if_contains("loss"); losses && losses->is_array()) {
    json::array terms;
    for (const auto& term : losses->as_array()) {
      json::value kept = term;
      if (auto* object = kept.if_object()) object->erase("weight");
      terms.push_back(std::move(kept));
    }
    shape["loss"] = std::move(terms);
  }
  if (const auto* train = stage.config.if_contains("train"); train && train->is_object()) {
    json::object work;
    for (const char* key : kWorkOfTraining) {
      if (const auto* value = train->get_object().if_contains(key)) work[key] = *value;
    }
    shape["train"] = std::move(work);
    // Patches are cut from resident slices: their number and size cost a step nothing.
    shape.erase("dataset");
  }
  return shape;
}

/// The global batch of a shape and the shape without it; nothing for shapes without one.
std::optional<std::pair<std::int64_t, std::string>> split_batch(const std::string& shape) {
  auto object = json::parse(shape).as_object();
  auto* train = object.if_contains("train");
  if (train == nullptr || !train->is_object()) return std::nullopt;
  const auto* batch = train->get_object().if_contains("batch");
  if (batch == nullptr || !batch->is_int64()) return std::nullopt;
  const auto count = batch->get_int64();
  train->get_object().erase("batch");
  return std::pair(count, canonical_json(object));
}

double quantile(const std::vector<double>& sorted, double at) {
  const double place = at * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const auto high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

}  // namespace

std::string cost_shape(const Stage& stage) { return canonical_json(shape_object(stage)); }

void MeasuredCosts::add(const CostSample& sample) {
  if (!std::isfinite(sample.seconds_per_step) || sample.seconds_per_step <= 0) return;
  const Key key{.shape = sample.shape, .device = sample.device, .ranks = sample.ranks};
  auto& list = samples_[key];
  if (list.size() == kMostSamples) list.erase(list.begin());
  list.push_back(sample.seconds_per_step);
  if (const auto parts = split_batch(sample.shape)) {
    batches_[{.shape = parts->second, .device = sample.device, .ranks = sample.ranks}]
            [parts->first] = key;
  }
}

std::optional<CostPrediction> MeasuredCosts::step(const Key& key) const {
  const auto found = samples_.find(key);
  if (found == samples_.end()) return std::nullopt;
  auto sorted = found->second;
  std::sort(sorted.begin(), sorted.end());
  const double median = quantile(sorted, 0.5);
  return CostPrediction{.seconds = median,
                        .basis = CostBasis::SameShape,
                        .spread = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2 / median,
                        .samples = static_cast<int>(sorted.size())};
}

std::optional<CostPrediction> MeasuredCosts::step_of_other_batch(const Stage& stage,
                                                                 const Key& key) const {
  const auto parts = split_batch(cost_shape(stage));
  if (!parts) return std::nullopt;
  const auto found =
      batches_.find({.shape = parts->second, .device = key.device, .ranks = key.ranks});
  if (found == batches_.end()) return std::nullopt;
  const auto& known = found->second;
  const auto wanted = static_cast<double>(parts->first);
  const auto& [low_batch, low_key] = *known.begin();
  const auto& [high_batch, high_key] = *known.rbegin();
  auto low = *step(low_key), high = *step(high_key);
  CostPrediction result = high;
  result.basis = CostBasis::OtherBatch;
  const double from = static_cast<double>(low_batch), to = static_cast<double>(high_batch);
  if (low_batch == high_batch) {
    result.seconds = high.seconds * wanted / to;
  } else {
    // A step costs something fixed and something a sample; neither is negative.
    const double slope = std::max(0.0, (high.seconds - low.seconds) / (to - from));
    result.seconds =
        std::max(low.seconds + slope * (wanted - from), low.seconds * wanted / from / 2);
    result.samples += low.samples;
    result.spread = std::max(result.spread, low.spread);
  }
  return result;
}

std::optional<CostPrediction> MeasuredCosts::predict(const Stage& stage, const std::string& device,
                                                     int ranks) const {
  const Key key{.shape = cost_shape(stage), .device = device, .ranks = ranks};
  auto found = step(key);
  if (!found) found = step_of_other_batch(stage, key);
  if (!found) {
    // The gang of the nearest size.
    const Key* nearest = nullptr;
    for (const auto& [other, values] : samples_) {
      if (other.shape != key.shape || other.device != device) continue;
      if (nearest == nullptr || std::abs(other.ranks - ranks) < std::abs(nearest->ranks - ranks)) {
        nearest = &other;
      }
    }
    if (nearest == nullptr) return std::nullopt;
    found = step(*nearest);
    found->basis = CostBasis::OtherGang;
    found->seconds *= std::pow(static_cast<double>(nearest->ranks) / ranks, kGangEfficiency);
  }
  found->seconds *= static_cast<double>(std::max<std::int64_t>(1, stage.steps));
  return found;
}

}  // namespace reprise::sweep
