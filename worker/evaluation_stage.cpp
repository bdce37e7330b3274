/// Stages of kind "evaluate".
#include <boost/json/serialize.hpp>
#include <cmath>

#include "datasets_h5/channel_names.h"
#include "models/inception.h"
#include "worker/config.h"
#include "worker/cuda_graph.h"
#include "worker/evaluate.h"
#include "worker/precision.h"
#include "worker/resample.h"
#include "worker/stage_body.h"
#include "worker/stage_setup.h"

namespace reprise::worker {
namespace {

namespace json = boost::json;

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

/// The reference's Dice-T adds up one-hot maps; every other group is a union of labels.
std::vector<LabelRegion> regions_of(const datasets::Slices& info) {
  std::vector<LabelRegion> regions;
  for (const auto& group : info.label_groups) {
    regions.push_back({.name = group.name, .labels = group.labels, .exact = group.name == "T"});
  }
  return regions;
}

void set_method(EvaluateTask& task, const json::object& config, const StageInputs& inputs) {
  const std::string method = config::text(config, "method");
  if (method == "network") {
    auto network = build_network(config, inputs);
    network->eval();
    network->hold_weights(true);
    task.method = graphed([network](const torch::Tensor& lr) { return network->forward(lr); });
  } else if (method == "bicubic") {
    task.method = [scale = task.scale](const torch::Tensor& lr) {
      return resample(lr, lr.size(2) * scale, lr.size(3) * scale);
    };
  } else if (method != "hr") {
    throw_invalid("stage config: method \"" + method +
                  "\" is none of \"network\", \"bicubic\", \"hr\"");
  }
}

void set_judges(EvaluateTask& task, const json::object& config, const StageInputs& inputs) {
  if (inputs.weights.contains("segmenter")) {
    auto unet = build_unet(config, inputs, "segmenter");
    unet->eval();
    task.segment =
        graphed([unet](const torch::Tensor& image) { return unet->forward(image).logits; });
  }
  if (inputs.weights.contains("inception")) {
    auto inception = std::make_shared<models::FidInception>();
    load_input(*inception, inputs, "inception");
    inception->to(inputs.device);
    inception->eval();
    task.features =
        graphed([inception](const torch::Tensor& image) { return inception->forward(image); });
  }
}

EvaluateTask make_task(const wire::Assign& assign, const StageContext& context,
                       const ResidentSplit& split) {
  const auto& config = assign.config;
  EvaluateTask task;
  set_arithmetic(precision_of(config));
  const datasets::Slices& info = split.frame;
  const auto inputs = inputs_of(assign, context, info);
  task.slices = split.tensors;
  task.subject = info.subject;
  task.scale = config::integer(config, "scale", 1);
  task.noise = config.contains("noise") ? config::number(config, "noise") : 0;
  task.seed = static_cast<std::uint64_t>(config::integer(config, "seed", 0));
  if (config.contains("samples")) task.samples = config::integer(config, "samples", 0);
  task.device = context.device;
  task.regions = regions_of(info);
  task.channels = datasets::channel_names(info.channels);
  set_method(task, config, inputs);
  set_judges(task, config, inputs);
  return task;
}

json::object store_samples(const StageContext& context, const EvaluateOutcome& outcome,
                           const datasets::Slices& info) {
  models::TensorFile file;
  file.tensors = outcome.samples;
  json::array subjects;
  const auto slices = outcome.samples.at("slice");
  for (int64_t at = 0; at < slices.size(0); ++at) {
    subjects.emplace_back(info.subject_ids.at(info.subject.at(slices[at].item<int64_t>())));
  }
  file.metadata["subjects"] = json::serialize(subjects);
  return store_object(context, file);
}

}  // namespace

StageWork run_evaluation(const wire::Assign& assign, const StageContext& context) {
  EvaluateTask task;
  auto& collective = context.collective;
  const ResidentSplit& split = load_split(assign, context, "test");
  const datasets::Slices& info = split.frame;
  agree(collective, [&] { task = make_task(assign, context, split); });
  const auto outcome = evaluate(task, collective, context.hooks);
  StageWork work;
  if (!outcome.finished) work.stopped_at = 0;
  if (!outcome.finished || collective.rank() != 0) return work;
  json::object artifacts;
  if (!outcome.samples.empty()) artifacts["samples"] = store_samples(context, outcome, info);
  json::object notes;
  if (!task.features) {
    notes["FID"] = "needs [weights] inception = \"FILE\" (the FID Inception) in the study";
  }
  work.body = json::object{{"artifacts", std::move(artifacts)},
                           {"scalars", {{"evaluate_seconds", outcome.seconds}}},
                           {"curve", json::array{}},
                           {"rows", rows_of(outcome, info)},
                           {"notes", std::move(notes)},
                           {"provenance", provenance(context, outcome.seconds)}};
  return work;
}

}  // namespace reprise::worker
