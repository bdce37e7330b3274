#pragma once
/// What a stage will cost, from what equal work has cost before: a pure function of measurements.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sweep/stage.h"

namespace reprise::sweep {

/// One attempt's speed. Heartbeats give it for running stages (from the first 100 steps on), the
/// provenance of results for finished ones.
struct CostSample {
  std::string shape;            ///< `cost_shape` of the stage.
  std::string device;           ///< As the provenance names it, for example "cpu" or "cuda".
  int ranks = 1;                ///< Of the gang.
  double seconds_per_step = 0;  ///< Wall time of one step (training) or of the whole stage.
};

/// How a prediction was reached, best first.
enum class CostBasis : std::uint8_t {
  SameShape,   ///< Samples of equal shape, device and gang.
  OtherBatch,  ///< The same work with other batches: a line through them.
  OtherGang,   ///< Equal shape on gangs of another size, taken to scale as `kGangEfficiency` says.
};

struct CostPrediction {
  double seconds = 0;  ///< Of the whole stage.
  CostBasis basis = CostBasis::SameShape;
  /// Half the distance between the quartiles of the samples, relative to their median; 0 for one.
  double spread = 0;
  int samples = 0;
};

/// A gang of p ranks is taken to be p^0.75 times as fast as one where nothing was
/// measured: 1.7, 2.8, 4.8 times for 2, 4, 8 (the model of docs/performance.md without
/// interconnect).
constexpr double kGangEfficiency = 0.75;

/// What determines the cost of a step: kind and configuration without what does not (number of
/// steps, seed, learning rate and its schedule, initial values, what the steps start from). Equal
/// for two stages if their steps do equal work. Canonical JSON, readable.
std::string cost_shape(const Stage& stage);

class MeasuredCosts {
 public:
  /// Ignores samples without a positive, finite time.
  void add(const CostSample& sample);
  /// Nothing where neither this shape nor one that differs in its batch alone was ever measured on
  /// this device.
  [[nodiscard]] std::optional<CostPrediction> predict(const Stage& stage, const std::string& device,
                                                      int ranks) const;

 private:
  struct Key {
    std::string shape, device;
    int ranks = 1;
    auto operator<=>(const Key&) const = default;
  };
  [[nodiscard]] std::optional<CostPrediction> step(const Key& key) const;
  [[nodiscard]] std::optional<CostPrediction> step_of_other_batch(const Stage& stage,
                                                                  const Key& key) const;

  std::map<Key, std::vector<double>> samples_;  ///< Newest last.
  /// Shape without batch, device, ranks: the batches that were measured and their keys.
  std::map<Key, std::map<std::int64_t, Key>> batches_;
};

}  // namespace reprise::sweep
