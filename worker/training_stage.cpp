/// Stages of the kinds "train-unet", "pretrain" and "finetune".
#include <algorithm>
#include <numeric>

#include "worker/config.h"
#include "worker/cuda_graph.h"
#include "worker/evaluate.h"
#include "worker/hold_out.h"
#include "worker/precision.h"
#include "worker/resample.h"
#include "worker/sampling.h"
#include "worker/stage_body.h"
#include "worker/stage_setup.h"

namespace reprise::worker {
namespace {

namespace json = boost::json;

/// All that a training works with.
struct Training {
  TrainSettings settings;
  Objective objective;
  std::optional<BatchMaker> batches;
  EvaluateTask validation;  ///< Empty slices without validation.
};

EvaluateTask validation_task(const json::object& config, SliceTensors slices,
                             const Objective& objective, const torch::Device& device) {
  EvaluateTask task;
  task.slices = std::move(slices);
  task.scale = config::integer(config, "scale", 1);
  task.noise = config.contains("noise") ? config::number(config, "noise") : 0;
  task.seed = static_cast<std::uint64_t>(config::integer(config, "seed", 0));
  task.device = device;
  auto network = std::dynamic_pointer_cast<models::SrNetwork>(objective.network);
  if (!network) throw_invalid("stage config: validation is for super-resolution networks only");
  task.method = graphed([network](const torch::Tensor& lr) { return network->forward(lr); });
  return task;
}

Training make_training(const wire::Assign& assign, const StageContext& context,
                       const ResidentSplit& split) {
  const auto& config = assign.config;
  Training training;
  set_arithmetic(precision_of(config));
  training.settings = train_settings(config, assign.options);
  const auto& settings = training.settings;
  torch::manual_seed(settings.seed);
  training.objective = make_objective(assign.kind, config, inputs_of(assign, context, split.frame),
                                      context.collective);
  SliceTensors slices = split.tensors;
  if (settings.validation.every > 0) {
    auto parts = hold_out(slices, split.frame.subject, settings.validation.subjects, settings.seed);
    slices = std::move(parts.training);
    training.validation =
        validation_task(config, std::move(parts.held_out), training.objective, context.device);
  }
  training.batches.emplace(std::move(slices), batch_recipe(assign.kind, config),
                           context.collective.rank(), context.collective.size(), context.device);
  return training;
}

/// Mean PSNR over the held-out slices; the same bits on every rank, for every gang size.
double mean_psnr(const EvaluateTask& task, Collective& collective) {
  const auto outcome = evaluate(task, collective, {});
  std::string text;
  if (collective.rank() == 0) {
    const auto& values = outcome.values.front().second;
    const double mean =
        std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    text.assign(reinterpret_cast<const char*>(&mean), sizeof(mean));
  }
  text = collective.broadcast_text(std::move(text), 0);
  double mean = 0;
  std::copy_n(text.data(), sizeof(mean), reinterpret_cast<char*>(&mean));
  return mean;
}

double validation_score(const Training& training, const StageContext& context) {
  auto* network = dynamic_cast<models::SrNetwork*>(training.objective.network.get());
  // A CUDA graph would keep what was held when it was recorded.
  const bool is_held = network != nullptr && context.device.is_cpu();
  if (is_held) network->hold_weights(true);
  const double score = mean_psnr(training.validation, context.collective);
  if (is_held) network->hold_weights(false);
  return score;
}

json::array to_json(const std::vector<CurvePoint>& curve) {
  json::array points;
  for (const auto& point : curve) points.push_back(json::array{point.step, point.loss});
  return points;
}

json::object body_of(const StageContext& context, const TrainOutcome& outcome,
                     const std::string& data_in, torch::nn::Module& network) {
  std::int64_t weights = 0;
  for (const auto& parameter : network.parameters()) weights += parameter.numel();
  auto origin = provenance(context, outcome.seconds);
  origin["resumed_from"] = outcome.resumed_from;
  origin["steps_per_second"] =
      static_cast<double>(outcome.step - outcome.resumed_from) / std::max(outcome.seconds, 1e-9);
  origin["data_in"] = data_in;
  origin["data_wait_seconds"] = outcome.data_wait_seconds;
  if (!outcome.warnings.empty()) {
    origin["warnings"] = json::array(outcome.warnings.begin(), outcome.warnings.end());
  }
  json::object scalars{{"loss", outcome.curve.back().loss},
                       {"steps", outcome.step},
                       {"parameters", weights},
                       {"train_seconds", outcome.seconds}};
  json::object body{{"artifacts", {{"weights", store_object(context, models::state_of(network))}}},
                    {"curve", to_json(outcome.curve)},
                    {"provenance", std::move(origin)}};
  if (!outcome.validation.empty()) {
    body["validation"] = to_json(outcome.validation);
    scalars["best_step"] = outcome.best_step;
  }
  body["scalars"] = std::move(scalars);
  return body;
}

/// Where the last state of a training stays that longer ones go on from.
CheckpointStore kept_state(const StageContext& context, const std::string& stage) {
  return CheckpointStore(context.workspace / "checkpoints" / (stage + "-kept"), 1);
}

/// A longer training begins where the shorter one ended: its last state becomes our checkpoint.
void continue_from(const wire::Assign& assign, const StageContext& context,
                   const CheckpointStore& store) {
  const json::value* shorter = assign.options.if_contains("continues");
  if (shorter == nullptr || context.collective.rank() != 0 || store.load_newest().snapshot) return;
  if (!shorter->is_string()) throw_invalid("stage option \"continues\" is no stage");
  const std::string stage(shorter->get_string());
  const auto loaded = kept_state(context, stage).load_newest();
  if (!loaded.snapshot) {
    throw_corrupt("the last state of stage " + stage + ", from which this one goes on, is gone" +
                  (loaded.warnings.empty() ? "" : ": " + loaded.warnings.front()));
  }
  store.save(*loaded.snapshot);
}

/// Makes the last step one at which a checkpoint is written.
void checkpoint_at_end(TrainSettings& settings) {
  settings.checkpoint_every = std::min(settings.checkpoint_every, settings.steps);
  while (settings.steps % settings.checkpoint_every != 0) --settings.checkpoint_every;
}

}  // namespace

StageWork run_training(const wire::Assign& assign, const StageContext& context) {
  Training training;
  auto& collective = context.collective;
  const ResidentSplit& split = load_split(assign, context, "train");
  agree(collective, [&] { training = make_training(assign, context, split); });
  auto& settings = training.settings;
  const bool is_kept = assign.options.contains("keep_state");
  if (is_kept) checkpoint_at_end(settings);
  const CheckpointStore store(context.workspace / "checkpoints" / assign.stage,
                              settings.checkpoints_kept);
  agree(collective, [&] { continue_from(assign, context, store); });
  const auto score = [&] { return validation_score(training, context); };
  const auto outcome = train(training.objective, *training.batches, settings, store, collective,
                             context.hooks, score);
  StageWork work;
  if (!outcome.finished) {
    work.stopped_at = outcome.step;
  } else if (collective.rank() == 0) {
    const auto last = is_kept ? store.load_newest().snapshot : std::nullopt;
    if (last) kept_state(context, assign.stage).save(*last);
    work.body = body_of(context, outcome, split.where, *training.objective.network);
  }
  return work;
}

}  // namespace reprise::worker
