#pragma once
/// The training loop of every network: one flat all-reduce a step, checkpoints, an orderly stop.

#include <torch/torch.h>

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <vector>

#include "worker/batches.h"
#include "worker/checkpoint.h"
#include "worker/collective.h"
#include "worker/flat_adam.h"

namespace reprise::worker {

/// What is trained: a network and this rank's share of the global loss (shares sum to the loss).
struct Objective {
  std::shared_ptr<torch::nn::Module> network;
  std::function<torch::Tensor(const Batch&)> loss_share;  ///< Scalar with a gradient.
  FlatAdam::Options adam;
};

/// `train` of a stage's config (see sweep/stage.h), and how it runs.
struct TrainSettings {
  std::int64_t steps = 1;
  double learning_rate = 1e-4;
  std::vector<std::int64_t> milestones;
  double gamma = 0.5;
  std::uint64_t seed = 0;
  std::int64_t checkpoint_every = 50;
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
  double seconds = 0;  ///< In the loop, this attempt.
};

/// Trains `objective` from the newest checkpoint of `store`, or from its present weights, which are
/// broadcast from rank 0. Every rank calls it with the same settings.
/// Errors: GangError InvalidInput when the loss is not finite.
TrainOutcome train(Objective& objective, const BatchMaker& batches, const TrainSettings& settings,
                   const CheckpointStore& store, Collective& collective, const StageHooks& hooks);

}  // namespace reprise::worker
