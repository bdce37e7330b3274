#pragma once
/// One step of training on one rank: batch, critic, network, all-reduce, update.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/torch.h"
#include "worker/batches.h"
#include "worker/collective.h"
#include "worker/cuda_graph.h"
#include "worker/flat_adam.h"
#include "worker/overlapped_sum.h"
#include "worker/train.h"

namespace reprise::worker {

/// Where the samples of a step come from.
struct BatchSource {
  /// This rank's share of a part (0-based) of the step's global batch.
  std::function<Batch(std::int64_t step, std::int64_t part)> make;
  /// What is in the step's global batch, for people.
  std::function<std::string(std::int64_t step)> describe;
};

/// What every rank knows of a step after its all-reduce.
struct StepRecord {
  std::int64_t done = 0;  ///< Steps done with this one.
  double loss = 0;
  bool stop = false;  ///< Rank 0 wishes to stop.
};

/// The steps of one training: everything but when to save, validate and stop.
///
/// On a GPU the host does not wait for a step: what came of it stays on the device until it is
/// collected. Where `Objective::is_static` allows it, forward and backward pass of the network are
/// a CUDA graph. A step whose loss or gradient is not finite changes no weights, nor does any after
/// it, so that a late look finds the weights before it.
class TrainStep {
 public:
  /// What is given must outlive it. On a CUDA device make and use it inside a StreamScope.
  TrainStep(Objective& objective, BatchSource batches, const TrainSettings& settings,
            Collective& collective);

  FlatAdam& adam() { return adam_; }
  FlatAdam* critic() { return critic_ ? &*critic_ : nullptr; }

  /// One step. `stop`: rank 0's wish, told to all.
  void run(bool stop);
  /// True: the records must be collected before the next step.
  [[nodiscard]] bool is_full() const { return pending_ == records_.size(0); }
  /// What came of the steps since the last call; waits for the device. All ranks call it together.
  /// Errors: GangError InvalidInput, naming step and batch, for the first whose loss or gradient is
  /// NaN or infinite.
  std::vector<StepRecord> collect();

  /// Until patches were read and cut.
  [[nodiscard]] double data_wait_seconds() const { return data_wait_seconds_; }
  /// Why steps run without a CUDA graph although they might; empty: they do not.
  [[nodiscard]] const std::string& warning() const { return warning_; }

 private:
  using Use = std::function<void(const torch::Tensor& output, const Batch& batch)>;
  using EachPart = std::function<void(const Use&)>;

  Batch make_batch(std::int64_t step, std::int64_t part);
  torch::Tensor output_of(const Batch& batch);
  void train_critic(std::int64_t step, double rate, const EachPart& each_part);
  /// Forward and backward pass: gradients and loss into the flat buffer.
  void compute(const EachPart& each_part);
  void compute_graphed(const Batch& batch);
  void reduce(FlatAdam& adam, bool stop);
  void update(double rate);
  [[noreturn]] void fail(std::int64_t step, double loss, const std::string& what) const;

  Objective& objective_;
  BatchSource batches_;
  const TrainSettings& settings_;
  Collective& collective_;
  FlatAdam adam_;
  std::optional<FlatAdam> critic_;
  std::optional<OverlappedSum> overlapped_;  ///< Of the network's gradients, in gangs that can.
  torch::Tensor is_bad_;   ///< Scalar: 1 from the first step on that was not finite.
  torch::Tensor records_;  ///< [steps, 3]: loss, wish to stop, NaN where a gradient is not finite.
  std::int64_t pending_ = 0;
  bool is_graphed_;
  std::int64_t runs_ = 0;
  Batch input_;  ///< Of the graph.
  CudaGraph graph_;
  std::string warning_;
  double data_wait_seconds_ = 0;
};

}  // namespace reprise::worker
