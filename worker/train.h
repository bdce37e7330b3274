#pragma once
/// The training loop of every network: one flat all-reduce a step, checkpoints, an orderly stop.

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/torch.h"
#include "worker/batches.h"
#include "worker/checkpoint.h"
#include "worker/collective.h"
#include "worker/flat_adam.h"
#include "worker/precision.h"

namespace reprise::worker {

/// The opponent of an adversarial loss, trained in turn with the network.
struct Critic {
  std::shared_ptr<torch::nn::Module> network;
  /// This rank's share of its loss on the network's output (without gradient). `round` counts the
  /// critic's steps within one step of the network.
  std::function<torch::Tensor(const torch::Tensor& output, const Batch&, std::int64_t round)>
      loss_share;
  FlatAdam::Options adam;
  double learning_rate = 1e-5;  ///< Falls at the network's milestones.
  std::int64_t steps = 1;       ///< Before every step of the network.
};

/// What is trained: a network and this rank's share of the global loss (shares sum to the loss).
struct Objective {
  std::shared_ptr<torch::nn::Module> network;
  std::function<torch::Tensor(const Batch&)> output;
  /// Scalar with a gradient; of the batch as it is given, which may be a part of the global one.
  std::function<torch::Tensor(const torch::Tensor& output, const Batch&)> loss_share;
  FlatAdam::Options adam;
  std::optional<Critic> critic;
  /// Networks of the loss that change as it is computed (running statistics).
  std::vector<std::shared_ptr<torch::nn::Module>> companions;
  /// True: output and loss are the same work for every batch of a size, all of it on the device:
  /// no numbers from the host, no looks at results, no sums over ranks. It can be a CUDA graph.
  bool is_static = false;
};

/// A PSNR curve on held-out subjects, and early stopping by it.
struct ValidationSettings {
  std::int64_t every = 0;     ///< Steps between points; 0: no validation.
  std::int64_t subjects = 1;  ///< Held out of the training split.
  std::int64_t patience = 0;  ///< Points without a better one that end training; 0: never.
};

/// `train` of a stage's config (see sweep/stage.h), and how it runs.
struct TrainSettings {
  std::int64_t steps = 1;
  std::int64_t accumulate = 1;  ///< Parts of a batch that are computed one after another.
  double learning_rate = 1e-4;
  std::vector<std::int64_t> milestones;
  double gamma = 0.5;
  double beta2 = 0.999;
  Precision precision = Precision::Fp32;
  std::uint64_t seed = 0;
  ValidationSettings validation = {};
  std::int64_t checkpoint_every = 50;
  std::int64_t checkpoints_kept = 2;
  bool cuda_graphs = true;  ///< Where they are possible; the results are the same without.
};

/// Errors: InvalidInput for missing or impossible values.
TrainSettings train_settings(const boost::json::object& config, const boost::json::object& options);

/// Learning rate of 0-based `step`: multiplied by gamma at every milestone <= step.
double learning_rate_at(const TrainSettings& settings, std::int64_t step);

struct Progress {
  std::int64_t done = 0;
  std::int64_t end = 0;
  double loss = 0;
  double steps_per_second = 0;
};

/// Consulted at rank 0 only.
struct StageHooks {
  std::function<bool()> stop_requested = [] { return false; };
  std::function<void(const Progress&)> progress = [](const Progress&) {};
};

struct CurvePoint {
  std::int64_t step = 0;  ///< Steps done.
  double loss = 0;        ///< Mean of the global loss over the steps since the last point.
};

struct TrainOutcome {
  bool finished = false;  ///< False: stopped on request, with a checkpoint at `step`.
  std::int64_t step = 0;
  std::int64_t resumed_from = 0;
  std::vector<CurvePoint> curve;
  std::vector<CurvePoint> validation;  ///< "loss" is the score: greater is better.
  std::int64_t best_step = 0;          ///< Whose weights the network has after early stopping.
  std::vector<std::string> warnings;   ///< For people: checkpoints passed over, a slow precision.
  double seconds = 0;                  ///< In the loop, this attempt.
  double data_wait_seconds = 0;        ///< Of them: until patches were read and cut.
};

/// Trains `objective` from the newest checkpoint of `store`, or from its present weights, which are
/// broadcast from rank 0. Every rank calls it with the same settings. `score` judges the network
/// for validation (equal on every rank, greater is better); it may be empty without validation.
/// With patience, the network ends with the weights of its best point.
/// Errors: GangError InvalidInput, naming step and batch, for the first step whose loss or gradient
/// is NaN or infinite: in that very step on a CPU, at most 15 steps later on a GPU; the weights are
/// still those before it.
TrainOutcome train(Objective& objective, const BatchMaker& batches, const TrainSettings& settings,
                   const CheckpointStore& store, Collective& collective, const StageHooks& hooks,
                   const std::function<double()>& score = {});

}  // namespace reprise::worker
