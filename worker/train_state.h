#pragma once
/// Everything a training stage must remember to go on bit for bit.

#include <optional>
#include <vector>

#include "worker/train.h"

namespace reprise::worker {

/// Weights, moments and the step number (in the optimiser), the network's buffers, and the learning
/// curve so far. The network and the optimiser must outlive it.
class TrainState {
 public:
  TrainState(torch::nn::Module& network, FlatAdam& adam) : network_(network), adam_(adam) {}

  /// Takes over a snapshot; without one nothing changes.
  /// Errors: Corrupt when it does not fit the network.
  void restore(const std::optional<Snapshot>& snapshot);

  /// Rank 0's weights, moments, step and buffers to every rank (the curve stays at rank 0).
  void broadcast(Collective& collective);

  [[nodiscard]] Snapshot snapshot() const;

  /// Adds the loss of a step; `is_point` closes a point of the curve.
  void add_loss(double loss, bool is_point);
  [[nodiscard]] const std::vector<CurvePoint>& curve() const { return curve_; }

 private:
  torch::nn::Module& network_;
  FlatAdam& adam_;
  std::vector<CurvePoint> curve_;
  double pending_sum_ = 0;  ///< Losses since the last point.
  std::int64_t pending_count_ = 0;
};

}  // namespace reprise::worker
