#pragma once
/// What a stage will cost, before anything ran: sizes of networks by arithmetic
/// (network_profile.h), step times from a roofline. An estimate for planning; measured speeds
/// replace it where there are any (cost_book.h).

#include <boost/json/object.hpp>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "sweep/stage.h"

namespace reprise::sweep {

/// Whether the stage is a training: its `steps` are steps.
bool is_training(StageKind kind);

/// Remembers the networks it was asked about: trials of a grid share them.
class CostModel {
 public:
  /// "cuda": one data-centre GPU (H100 class) at TF32 rates; "cpu": one core.
  explicit CostModel(std::string_view device = "cuda");

  /// One step of a training, or the whole of another stage, in seconds. A configuration that is not
  /// understood (the database of another version has it) costs a second.
  double step_seconds(const Stage& stage);

  /// Weights that the stage leaves behind, bytes.
  std::int64_t weight_bytes(const Stage& stage);

 private:
  /// Seconds of what a device does.
  struct Rates {
    double flop = 0;        ///< A floating-point operation.
    double step = 0;        ///< What of a step no arithmetic hides.
    double evaluation = 0;  ///< Reading, inference and metrics of a test split.
    double other = 0;       ///< A profile.
  };
  /// Of one LR pixel, and parameters; images of one channel.
  struct NetworkCost {
    double macs_per_pixel = 0, parameters = 0;
  };
  struct Hash {
    std::size_t operator()(const boost::json::object& object) const;
  };

  static Rates rates_of(std::string_view device);
  const NetworkCost& network_cost(const Stage& stage);
  double training_step(const Stage& stage);

  Rates rates_;
  /// By scale and network.
  std::unordered_map<std::int64_t, std::unordered_map<boost::json::object, NetworkCost, Hash>>
      networks_;
};

/// Checkpoints while the stage runs: weights and two moments, times how many are kept; bytes.
/// `weights`: its `weight_bytes`.
std::int64_t checkpoint_bytes(const Stage& stage, std::int64_t weights);

}  // namespace reprise::sweep
