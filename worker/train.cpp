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

/// What every rank knows after the all-reduce of a step.
struct Shared {
  double loss = 0;
  bool stop = false;
  bool is_finite = true;
};

/// Sums gradients, loss and rank 0's wish to stop over the ranks, in one all-reduce.
Shared reduce(FlatAdam& adam, const torch::Tensor& loss_share, bool stop, Collective& collective) {
  const torch::NoGradGuard no_grad;
  auto head = adam.gradients().narrow(0, 0, FlatAdam::kExtra);
  head[0].copy_(loss_share.detach());
  if (stop) head[1].fill_(1);
  if (collective.size() > 1) collective.all_reduce_sum(adam.gradients());
  // One number that is NaN or infinite wherever one of the sums is, read with the others.
  head[2].copy_((adam.gradients() * 0).sum());
  const auto sums = head.cpu();
  return {.loss = sums[0].item<float>(),
          .stop = sums[1].item<float>() > 0,
          .is_finite = std::isfinite(sums[0].item<float>()) && sums[2].item<float>() == 0};
}

/// Which learning-curve points are kept: about 200, and the last step.
bool is_curve_point(std::int64_t done, std::int64_t steps) {
  const std::int64_t every = std::max<std::int64_t>(1, steps / 200);
  return done % every == 0 || done == steps;
}

/// The steps of one training: everything but when to save, validate and stop.
class Stepper {
 public:
  Stepper(Objective& objective, const BatchMaker& batches, const TrainSettings& settings,
          Collective& collective)
      : objective_(objective),
        batches_(batches),
        settings_(settings),
        collective_(collective),
        adam_(objective.network->parameters(), objective.adam) {
    if (objective_.critic) {
      critic_.emplace(objective_.critic->network->parameters(), objective_.critic->adam);
    }
  }

  FlatAdam& adam() { return adam_; }
  FlatAdam* critic() { return critic_ ? &*critic_ : nullptr; }
  [[nodiscard]] double data_wait_seconds() const { return data_wait_seconds_; }

  /// One step of the critic and of the network. `stop`: rank 0's wish, told to all.
  Shared step(bool stop) {
    const std::int64_t step = adam_.updates();
    torch::manual_seed(draw(settings_.seed, step, collective_.rank(), Purpose::Torch));
    const double rate = learning_rate_at(settings_, step);
    if (settings_.accumulate == 1) {
      const Batch batch = make_batch(step, 0);
      const auto output = output_of(batch);
      train_critic(step, rate, [&](auto use) { use(output.detach(), batch); });
      return train_network(step, rate, stop, [&](auto use) { use(output, batch); });
    }
    const auto each_part = [&](auto use) {
      for (std::int64_t part = 0; part < settings_.accumulate; ++part) {
        const Batch batch = make_batch(step, part);
        use(output_of(batch), batch);
      }
    };
    train_critic(step, rate, [&](auto use) {
      const torch::NoGradGuard no_grad;
      each_part([&](const torch::Tensor& output, const Batch& batch) {
        const torch::AutoGradMode with_grad(true);
        use(output, batch);
      });
    });
    return train_network(step, rate, stop, each_part);
  }

 private:
  Batch make_batch(std::int64_t step, std::int64_t part) {
    const auto start = Clock::now();
    Batch batch = batches_.make(step, part);
    data_wait_seconds_ += seconds_since(start);
    return batch;
  }

  torch::Tensor output_of(const Batch& batch) {
    const PrecisionScope scope(settings_.precision, batch.hr.device());
    return objective_.output(batch).to(torch::kFloat32);
  }

  /// `each_part` calls its argument with the output and the batch of every part.
  template <typename EachPart>
  void train_critic(std::int64_t step, double rate, EachPart each_part) {
    if (!critic_) return;
    const double factor = rate / settings_.learning_rate;
    for (std::int64_t round = 0; round < objective_.critic->steps; ++round) {
      critic_->zero_grad();
      auto total = torch::zeros({}, critic_->weights().options());
      each_part([&](const torch::Tensor& output, const Batch& batch) {
        const auto share =
            objective_.critic->loss_share(output, batch, round) / settings_.accumulate;
        share.backward();
        total += share.detach();
      });
      check(reduce(*critic_, total, false, collective_), step, "critic's loss");
      critic_->step(objective_.critic->learning_rate * factor);
    }
  }

  template <typename EachPart>
  Shared train_network(std::int64_t step, double rate, bool stop, EachPart each_part) {
    adam_.zero_grad();
    auto total = torch::zeros({}, adam_.weights().options());
    each_part([&](const torch::Tensor& output, const Batch& batch) {
      torch::Tensor share;
      {
        const PrecisionScope scope(settings_.precision, batch.hr.device());
        share = objective_.loss_share(output, batch) / settings_.accumulate;
      }
      share.backward();
      total += share.detach();
    });
    const Shared shared = reduce(adam_, total, stop, collective_);
    check(shared, step, "loss");
    adam_.step(rate);
    return shared;
  }

  /// Before any weight has changed, and on every rank alike.
  void check(const Shared& shared, std::int64_t step, const std::string& what) const {
    if (shared.is_finite) return;
    const std::string which = std::isfinite(shared.loss) ? "gradient of the " + what : what;
    throw GangError(ErrorCode::InvalidInput,
                    which + " is NaN or infinite at step " + std::to_string(step) +
                        " (batch: " + batches_.describe(step) + "): lower train.learning_rate");
  }

  Objective& objective_;
  const BatchMaker& batches_;
  const TrainSettings& settings_;
  Collective& collective_;
  FlatAdam adam_;
  std::optional<FlatAdam> critic_;
  double data_wait_seconds_ = 0;
};

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
  Stepper stepper(objective, batches, settings, collective);
  FlatAdam& adam = stepper.adam();
  TrainState state(objective, adam, stepper.critic());
  TrainOutcome outcome;
  resume(state, store, collective, outcome);
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
    const Shared shared = stepper.step(is_root && hooks.stop_requested());
    const std::int64_t done = adam.updates();
    const bool is_validated =
        validation.every > 0 && (done % validation.every == 0 || done == settings.steps);
    state.add_loss(shared.loss, is_validated || is_curve_point(done, settings.steps));
    stop = shared.stop;
    if (is_validated) {
      objective.network->eval();
      state.add_score(score());
      objective.network->train();
    }
    if (!is_root) continue;
    hooks.progress({.done = done,
                    .end = settings.steps,
                    .loss = shared.loss,
                    .steps_per_second =
                        static_cast<double>(done - outcome.resumed_from) / seconds_since(start)});
    const bool is_due = done % settings.checkpoint_every == 0 || stop;
    if (is_due) store.save(state.snapshot());
  }
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
