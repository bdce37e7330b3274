/// `reprise infer`: finds model and weights, and hands the volume to the worker program.

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

#include "orchestrator/cli/become_worker.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/model_source.h"
#include "sweep/error.h"
#include "sweep/network_schema.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct InferOptions {
  std::string model, workspace = "workspace", network, segmenter, labels, device = "cpu";
  std::vector<std::string> changes, inputs, outputs;
  std::int64_t scale = 0, axis = 2, batch = 8, threads = 0;
  bool segment = false;
};

json::object given_network(const InferOptions& options) {
  json::object network = {{"name", options.network}};
  for (const std::string& change : options.changes) {
    const auto [key, value] = split_change(change);
    network[key] = value;
  }
  return sweep::resolve_network(network);
}

/// The U-Net that the model was trained against, or of the same data set.
fs::path segmenter_of(const InferOptions& options, const ModelSource& model) {
  if (!options.segmenter.empty()) return find_model(options.segmenter, options.workspace).weights;
  if (!model.stage) {
    throw_invalid("--segment: weights from a file know no U-Net; name one with --segmenter");
  }
  const auto store = open_results(options.workspace);
  const sweep::Stage& stage = model.stage->stage;
  const auto own = stage.inputs.find("segmenter");
  if (own != stage.inputs.end()) {
    return weights_of(find_trained_stage(*store, own->second), options.workspace);
  }
  const auto plan = store->plan(model.stage->study);
  for (const sweep::Stage& other : plan->stages) {
    if (other.kind == sweep::StageKind::TrainUnet && other.dataset == stage.dataset &&
        store->is_done(other.id)) {
      return weights_of(find_trained_stage(*store, other.id), options.workspace);
    }
  }
  throw_invalid("--segment: no U-Net of data set " + stage.dataset +
                " is trained yet; name one with --segmenter");
}

/// What would fail when all is computed is refused before.
void check_outputs(const InferOptions& options) {
  if (options.inputs.size() != options.outputs.size()) {
    throw_invalid("--output: " + std::to_string(options.outputs.size()) + " for " +
                  std::to_string(options.inputs.size()) + " --input; one is needed for each");
  }
  std::vector<std::string> all = options.outputs;
  if (options.segment) all.push_back(options.labels);
  std::vector<fs::path> taken;
  for (const std::string& input : options.inputs)
    taken.push_back(fs::weakly_canonical(fs::absolute(input)));
  for (const std::string& name : all) {
    if (!name.ends_with(".nii") && !name.ends_with(".nii.gz")) {
      throw_invalid(name + ": must end in .nii or .nii.gz");
    }
    const fs::path path = fs::weakly_canonical(fs::absolute(name));
    if (std::find(taken.begin(), taken.end(), path) != taken.end()) {
      throw_invalid(name + ": is an input or another output; choose another name");
    }
    taken.push_back(path);
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (::access(path.parent_path().c_str(), W_OK) != 0) {
      throw Error(ErrorCode::Unavailable, name + ": cannot be written: " + std::strerror(errno));
    }
  }
}

void run(const InferOptions& options) {
  check_outputs(options);
  ModelSource model = find_model(options.model, options.workspace);
  if (!options.network.empty()) model.network = given_network(options);
  if (options.scale != 0) model.scale = options.scale;
  if (model.stage && model.stage->stage.kind == sweep::StageKind::TrainUnet) {
    throw_invalid("--model " + options.model +
                  ": is a segmentation U-Net, not a super-resolution network (see --segmenter)");
  }
  if (model.network.empty()) {
    throw_invalid("--model " + options.model +
                  ": nothing says which network it is; add --network NAME (see reprise models)");
  }
  if (model.scale == 0) throw_invalid("--model " + options.model + ": add --scale 2, 3 or 4");
  json::object job = {{"weights", fs::absolute(model.weights).string()},
                      {"network", model.network},
                      {"scale", model.scale},
                      {"inputs", json::array(options.inputs.begin(), options.inputs.end())},
                      {"outputs", json::array(options.outputs.begin(), options.outputs.end())},
                      {"axis", options.axis},
                      {"batch", options.batch},
                      {"threads", options.threads},
                      {"device", options.device}};
  if (options.segment) {
    job["segmenter"] = fs::absolute(segmenter_of(options, model)).string();
    job["labels"] = options.labels;
  }
  become_worker({"infer", json::serialize(job)});
}

constexpr const char* kInferFooter = R"(
Every slice across --axis goes through the network; the output has the same orientation, `scale`
times the voxels along the other two axes, and intensities in the input's units. Example:
  reprise infer --model finetune-e1 --input lr.nii.gz --output sr.nii.gz --segment --labels seg.nii.gz
Networks of several channels (BraTS) take one --input and one --output for each, in their order.)";

}  // namespace

void add_infer_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("infer", "Super-resolve a NIfTI volume");
  const auto options = std::make_shared<InferOptions>();
  command
      ->add_option("--model", options->model,
                   "A trial's name, the beginning of a stage's id, or a weights file "
                   "(.safetensors, .pt, .pth)")
      ->required();
  command->add_option("--workspace", options->workspace)->capture_default_str();
  command->add_option("--input", options->inputs, "Volume (.nii, .nii.gz, .hdr)")->required();
  command->add_option("--output", options->outputs, "Volume to write (.nii, .nii.gz)")->required();
  command->add_option("--network", options->network,
                      "The network that a foreign file is for (see reprise models)");
  command->add_option("--set", options->changes, "A parameter of --network: KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--scale", options->scale, "Of a foreign file")->check(CLI::Range(2, 4));
  command->add_option("--axis", options->axis, "Axis across which slices lie: 0, 1 or 2")
      ->check(CLI::Range(0, 2))
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Slices at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--device", options->device)
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "CPU threads (0: all)")
      ->check(CLI::Range(0, 1024));
  CLI::Option* labels =
      command->add_option("--labels", options->labels, "Volume of labels that --segment writes");
  command->add_flag("--segment", options->segment, "Label the output with a segmentation U-Net")
      ->needs(labels);
  command->add_option("--segmenter", options->segmenter, "Its weights: a stage or a file");
  command->footer(kInferFooter);
  command->callback([options] { run(*options); });
}

}  // namespace reprise::cli
