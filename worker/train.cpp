#include "worker/train.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include "worker/cuda_graph.h"
#include "worker/precision.h"
#include "worker/train_state.h"
#include "worker/train_step.h"

namespace reprise::worker {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Which learning-curve points are kept: about 200, and the last step.
bool is_curve_point(std::int64_t done, std::int64_t steps) {
  const std::int64_t every = std::max<std::int64_t>(1, steps / 200);
  return done % every == 0 || done == steps;
}

/// Rank 0's newest sound checkpoint to every rank.
void resume(TrainState& state, const CheckpointStore& store, Collective& collective,
            TrainOutcome& outcome) {
  if (collective.rank() == 0) {
    auto loaded = store.load_newest();
    outcome.warnings = std::move(loaded.warnings);
    state.restore(loaded.snapshot);
  }
  state.broadcast(collective);
}

}  // namespace

double learning_rate_at(const TrainSettings& settings, std::int64_t step) {
  double rate = settings.learning_rate;
  for (const auto milestone : settings.milestones) {
    if (milestone <= step) rate *= settings.gamma;
  }
  return rate;
}

TrainOutcome train(Objective& objective, const BatchMaker& batches, const TrainSettings& settings,
                   const CheckpointStore& store, Collective& collective, const StageHooks& hooks,
                   const std::function<double()>& score) {
  const StreamScope stream(objective.network->parameters().front().device());
  TrainStep stepper(
      objective,
      {.make = [&](std::int64_t step, std::int64_t part) { return batches.make(step, part); },
       .describe = [&](std::int64_t step) { return batches.describe(step); }},
      settings, collective);
  FlatAdam& adam = stepper.adam();
  TrainState state(objective, adam, stepper.critic());
  TrainOutcome outcome;
  resume(state, store, collective, outcome);
  const auto slow =
      precision_warning(settings.precision, objective.network->parameters().front().device());
  if (!slow.empty()) {
    if (collective.rank() == 0) std::cerr << "reprise-worker: " << slow << '\n';
    outcome.warnings.push_back(slow);
  }
  outcome.resumed_from = adam.updates();

  const auto& validation = settings.validation;
  const bool is_root = collective.rank() == 0;
  const auto ends_early = [&] {
    return validation.patience > 0 && state.points_since_best() >= validation.patience;
  };
  const auto start = Clock::now();
  objective.network->train();
  if (objective.critic) objective.critic->network->train();
  bool stop = false;
  while (adam.updates() < settings.steps && !stop && !ends_early()) {
    stepper.run(is_root && hooks.stop_requested());
    const std::int64_t done = adam.updates();
    const bool is_validated =
        validation.every > 0 && (done % validation.every == 0 || done == settings.steps);
    const bool is_saved = done % settings.checkpoint_every == 0;
    if (!stepper.is_full() && !is_validated && !is_saved && done < settings.steps) continue;
    double loss = 0;
    for (const StepRecord& record : stepper.collect()) {
      const bool ends_point = is_validated && record.done == done;
      state.add_loss(record.done, record.loss,
                     ends_point || is_curve_point(record.done, settings.steps));
      stop = stop || record.stop;
      loss = record.loss;
    }
    if (is_validated) {
      objective.network->eval();
      state.add_score(score());
      objective.network->train();
    }
    if (!is_root) continue;
    hooks.progress({.done = done,
                    .end = settings.steps,
                    .loss = loss,
                    .steps_per_second =
                        static_cast<double>(done - outcome.resumed_from) / seconds_since(start)});
    if (is_saved || stop) store.save(state.snapshot());
  }
  if (!stepper.warning().empty()) outcome.warnings.push_back(stepper.warning());
  outcome.step = adam.updates();
  outcome.finished = outcome.step == settings.steps || ends_early();
  if (outcome.finished && validation.patience > 0) state.take_best();
  outcome.best_step = state.best_step();
  outcome.curve = state.curve();
  outcome.validation = state.scores();
  outcome.seconds = seconds_since(start);
  outcome.data_wait_seconds = stepper.data_wait_seconds();
  return outcome;
}

}  // namespace reprise::worker
