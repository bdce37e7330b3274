#include "worker/train.h"

#include <chrono>
#include <cmath>
#include <string>

#include "worker/gang_error.h"
#include "worker/sampling.h"
#include "worker/train_state.h"

namespace reprise::worker {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The numbers that ride at the head of the gradients' all-reduce.
struct Shared {
  double loss = 0;
  bool stop = false;
};

/// Sums gradients, loss and rank 0's wish to stop over the ranks, in one all-reduce.
Shared reduce(FlatAdam& adam, const torch::Tensor& loss_share, bool stop, Collective& collective) {
  auto head = adam.gradients().narrow(0, 0, FlatAdam::kExtra);
  head[0].copy_(loss_share.detach());
  if (stop) head[1].fill_(1);
  if (collective.size() > 1) collective.all_reduce_sum(adam.gradients());
  const auto sums = head.cpu();
  return {.loss = sums[0].item<float>(), .stop = sums[1].item<float>() > 0};
}

/// Which learning-curve points are kept: about 200, and the last step.
bool is_curve_point(std::int64_t done, std::int64_t steps) {
  const std::int64_t every = std::max<std::int64_t>(1, steps / 200);
  return done % every == 0 || done == steps;
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
                   const CheckpointStore& store, Collective& collective, const StageHooks& hooks) {
  FlatAdam adam(objective.network->parameters(), objective.adam);
  TrainState state(*objective.network, adam);
  const bool is_root = collective.rank() == 0;
  if (is_root) state.restore(store.load_newest());
  state.broadcast(collective);

  TrainOutcome outcome;
  outcome.resumed_from = adam.updates();
  const auto start = Clock::now();
  objective.network->train();
  bool stop = false;
  while (adam.updates() < settings.steps && !stop) {
    const std::int64_t step = adam.updates();
    torch::manual_seed(draw(settings.seed, step, collective.rank(), Purpose::Torch));
    adam.zero_grad();
    const auto loss_share = objective.loss_share(batches.make(step));
    loss_share.backward();
    const auto shared = reduce(adam, loss_share, is_root && hooks.stop_requested(), collective);
    if (!std::isfinite(shared.loss)) {
      throw GangError(ErrorCode::InvalidInput, "loss is NaN or infinite at step " +
                                                   std::to_string(step) +
                                                   ": lower train.learning_rate");
    }
    adam.step(learning_rate_at(settings, step));

    const std::int64_t done = adam.updates();
    state.add_loss(shared.loss, is_curve_point(done, settings.steps));
    stop = shared.stop;
    if (!is_root) continue;
    hooks.progress({.done = done,
                    .end = settings.steps,
                    .loss = shared.loss,
                    .steps_per_second =
                        static_cast<double>(done - outcome.resumed_from) / seconds_since(start)});
    const bool is_due = done % settings.checkpoint_every == 0 || stop;
    if (is_due && done < settings.steps) store.save(state.snapshot());
  }
  outcome.step = adam.updates();
  outcome.finished = outcome.step == settings.steps;
  outcome.curve = state.curve();
  outcome.seconds = seconds_since(start);
  return outcome;
}

}  // namespace reprise::worker
