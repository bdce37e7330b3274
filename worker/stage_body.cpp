#include "worker/stage_body.h"

#include <unistd.h>

#include <array>
#include <cmath>
#include <numeric>

#include "datasets_h5/dataset_file.h"
#include "models/safetensors.h"
#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "worker/config.h"
#include "worker/evaluate.h"
#include "worker/objective.h"
#include "worker/resample.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// A split with its pixels moved into tensors.
struct LoadedSplit {
  datasets::Slices info;
  SliceTensors tensors;
};

LoadedSplit load(const wire::Assign& assign, std::string_view split) {
  LoadedSplit loaded{.info = datasets::load_split(assign.dataset_path, split), .tensors = {}};
  auto& info = loaded.info;
  if (info.digest != assign.dataset_digest) {
    throw_corrupt(assign.dataset_path + ": content digest is not " + assign.dataset_digest +
                  ": the data set was changed after the study was submitted");
  }
  loaded.tensors.images =
      torch::from_blob(info.images.data(), {info.count, info.channels, info.height, info.width})
          .clone();
  loaded.tensors.labels =
      torch::from_blob(info.labels.data(), {info.count, info.height, info.width}, torch::kUInt8)
          .clone();
  info.images = {};
  info.labels = {};
  return loaded;
}

StageInputs inputs_of(const wire::Assign& assign, const StageContext& context,
                      const datasets::Slices& info) {
  StageInputs inputs;
  for (const auto& [role, sha256] : assign.inputs) {
    const auto path = object_path(context.workspace, sha256);
    if (sha256_file(path) != sha256) throw_corrupt(path.string() + ": bytes do not match the name");
    inputs.weights[role] = path;
  }
  inputs.channels = info.channels;
  inputs.classes = static_cast<std::int64_t>(info.label_names.size());
  inputs.device = context.device;
  return inputs;
}

/// Arithmetic of a stage: only what its identity says.
void set_arithmetic(const json::object& config) {
  const std::string precision =
      config.contains("precision") ? config::text(config, "precision") : "fp32";
  if (precision != "fp32" && precision != "tf32") {
    throw_invalid("stage config: precision \"" + precision + "\" is neither \"fp32\" nor \"tf32\"");
  }
  at::globalContext().setAllowTF32CuBLAS(precision == "tf32");
  at::globalContext().setAllowTF32CuDNN(precision == "tf32");
  at::globalContext().setBenchmarkCuDNN(false);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

json::object provenance(const StageContext& context, double seconds) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return {{"host", host.data()},
          {"device", context.device.str()},
          {"ranks", context.collective.size()},
          {"threads", at::get_num_threads()},
          {"torch", TORCH_VERSION},
          {"seconds", seconds},
          {"device_seconds", seconds * context.collective.size()}};
}

/// Writes the weights under their own digest and returns {"sha256", "bytes"}.
json::object store_weights(const StageContext& context, torch::nn::Module& network) {
  const auto folder = context.workspace / "objects";
  AtomicFile written(folder / "incoming");
  models::TensorFile content;
  content = models::state_of(network);
  models::write_safetensors(written.temporary(), content);
  const std::string digest = sha256_file(written.temporary());
  const auto bytes = static_cast<std::int64_t>(fs::file_size(written.temporary()));
  AtomicFile named(object_path(context.workspace, digest));
  fs::rename(written.temporary(), named.temporary());
  named.commit();
  return {{"sha256", digest}, {"bytes", bytes}};
}

json::object rows_of(const EvaluateOutcome& outcome, const datasets::Slices& info) {
  json::array subjects(info.subject_ids.begin(), info.subject_ids.end());
  json::array subject(info.subject.begin(), info.subject.end());
  json::array slice;
  std::vector<std::int64_t> seen(info.subject_ids.size());
  for (const int index : info.subject) slice.emplace_back(seen.at(index)++);
  json::object values;
  for (const auto& [name, column] : outcome.values) {
    auto& list = values[name].emplace_array();
    for (const double value : column) {
      // null: not defined (PSNR of HR against itself is infinite).
      list.push_back(std::isfinite(value) ? json::value(value) : json::value(nullptr));
    }
  }
  return {{"subjects", subjects}, {"subject", subject}, {"slice", slice}, {"values", values}};
}

}  // namespace

StageWork run_training(const wire::Assign& assign, const StageContext& context) {
  Objective objective;
  TrainSettings settings;
  std::optional<BatchMaker> batches;
  auto& collective = context.collective;
  agree(collective, [&] {
    set_arithmetic(assign.config);
    settings = train_settings(assign.config, assign.options);
    auto split = load(assign, "train");
    torch::manual_seed(settings.seed);
    objective = make_objective(assign.kind, assign.config, inputs_of(assign, context, split.info),
                               collective);
    batches.emplace(std::move(split.tensors), batch_recipe(assign.kind, assign.config),
                    collective.rank(), collective.size(), context.device);
  });
  const CheckpointStore store(context.workspace / "checkpoints" / assign.stage);
  const auto outcome = train(objective, *batches, settings, store, collective, context.hooks);
  StageWork work;
  if (!outcome.finished) {
    work.stopped_at = outcome.step;
    return work;
  }
  if (collective.rank() != 0) return work;
  json::array curve;
  for (const auto& point : outcome.curve) curve.push_back(json::array{point.step, point.loss});
  std::int64_t weights = 0;
  for (const auto& parameter : objective.network->parameters()) weights += parameter.numel();
  auto origin = provenance(context, outcome.seconds);
  origin["resumed_from"] = outcome.resumed_from;
  origin["steps_per_second"] =
      static_cast<double>(outcome.step - outcome.resumed_from) / std::max(outcome.seconds, 1e-9);
  work.body = json::object{{"artifacts", {{"weights", store_weights(context, *objective.network)}}},
                           {"scalars",
                            {{"loss", outcome.curve.back().loss},
                             {"parameters", weights},
                             {"train_seconds", outcome.seconds}}},
                           {"curve", std::move(curve)},
                           {"provenance", std::move(origin)}};
  return work;
}

StageWork run_evaluation(const wire::Assign& assign, const StageContext& context) {
  EvaluateTask task;
  datasets::Slices info;
  auto& collective = context.collective;
  agree(collective, [&] {
    const auto& stage_config = assign.config;
    set_arithmetic(stage_config);
    auto split = load(assign, "test");
    const auto inputs = inputs_of(assign, context, split.info);
    info = std::move(split.info);
    task.slices = std::move(split.tensors);
    task.scale = config::integer(stage_config, "scale", 1);
    task.noise = stage_config.contains("noise") ? config::number(stage_config, "noise") : 0;
    task.seed = static_cast<std::uint64_t>(config::integer(stage_config, "seed", 0));
    task.device = context.device;
    task.label_names.assign(info.label_names.begin() + 1, info.label_names.end());
    const std::string method = config::text(stage_config, "method");
    if (method == "network") {
      auto network = build_network(stage_config, inputs);
      network->eval();
      task.method = [network](const torch::Tensor& lr) { return network->forward(lr); };
    } else if (method == "bicubic") {
      task.method = [scale = task.scale](const torch::Tensor& lr) {
        return resample(lr, lr.size(2) * scale, lr.size(3) * scale);
      };
    } else if (method != "hr") {
      throw_invalid("stage config: method \"" + method +
                    "\" is none of \"network\", \"bicubic\", \"hr\"");
    }
    if (inputs.weights.contains("segmenter")) {
      auto unet = build_unet(stage_config, inputs, "segmenter");
      unet->eval();
      task.segment = [unet](const torch::Tensor& image) { return unet->forward(image).logits; };
    }
  });
  const auto outcome = evaluate(task, collective, context.hooks);
  StageWork work;
  if (!outcome.finished) work.stopped_at = 0;
  if (!outcome.finished || collective.rank() != 0) return work;
  work.body = json::object{{"artifacts", json::object{}},
                           {"scalars", {{"evaluate_seconds", outcome.seconds}}},
                           {"curve", json::array{}},
                           {"rows", rows_of(outcome, info)},
                           {"provenance", provenance(context, outcome.seconds)}};
  return work;
}

}  // namespace reprise::worker
