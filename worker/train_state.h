#pragma once
/// Everything a training stage must remember to go on bit for bit.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/train.h"

namespace reprise::worker {

/// Weights, moments and step numbers (in the optimisers), the buffers of every network, the
/// learning curves, and the best weights so far where validation is on. What it is made of must
/// outlive it.
class TrainState {
 public:
  /// `critic`: the critic's optimiser, or null.
  TrainState(Objective& objective, FlatAdam& adam, FlatAdam* critic);

  /// Takes over a snapshot; without one nothing changes.
  /// Errors: Corrupt when it does not fit the networks.
  void restore(const std::optional<Snapshot>& snapshot);

  /// Rank 0's weights, moments, steps, buffers and validation to every rank (the loss curve stays
  /// at rank 0).
  void broadcast(Collective& collective);

  [[nodiscard]] Snapshot snapshot() const;

  /// Adds the loss of a step, after which `done` are done; `is_point` closes a point of the curve.
  void add_loss(std::int64_t done, double loss, bool is_point);
  [[nodiscard]] const std::vector<CurvePoint>& curve() const { return curve_; }

  /// Adds a validation point; the best so far (the first among equals) keeps its weights.
  void add_score(double score);
  [[nodiscard]] const std::vector<CurvePoint>& scores() const { return scores_; }
  [[nodiscard]] std::int64_t best_step() const { return best_step_; }
  /// Points after the best one.
  [[nodiscard]] std::int64_t points_since_best() const;
  /// Gives the network the weights of the best point, if there is one.
  void take_best();

 private:
  using Named = std::vector<std::pair<std::string, torch::Tensor>>;
  /// Every tensor of fixed shape, by its name in a checkpoint.
  [[nodiscard]] Named tensors() const;

  Objective& objective_;
  FlatAdam& adam_;
  FlatAdam* critic_;
  std::vector<CurvePoint> curve_;
  double pending_sum_ = 0;  ///< Losses since the last point.
  std::int64_t pending_count_ = 0;
  std::vector<CurvePoint> scores_;
  std::int64_t best_step_ = 0;  ///< 0: none.
  torch::Tensor best_;          ///< The flat weights then. Networks have no buffers that train.
};

}  // namespace reprise::worker
