#include "sweep/study_sections.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <filesystem>

#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/json.h"
#include "sweep/protocol.h"

namespace reprise::sweep {
namespace {

constexpr std::int64_t kStepsMax = 100'000'000;

struct TrainingDefaults {
  std::int64_t steps, batch, patch;
  double learning_rate;
  std::vector<std::int64_t> milestones;
  double beta2;
};

/// `validation`: a curve on held-out training subjects, and early stopping by it. Off unless given.
void read_validation(TomlReader reader, boost::json::object& train) {
  if (reader.layers().empty()) return;
  const std::int64_t every = reader.integer("every", std::nullopt, 1, kStepsMax);
  const std::int64_t subjects = reader.integer("subjects", 1, 1, 100000);
  const std::int64_t patience = reader.integer("patience", 0, 0, kStepsMax);
  reader.finish();
  train["validation"] = {{"every", every}, {"subjects", subjects}, {"patience", patience}};
}

/// A training; `protocol` is null for the U-Net, which has one loss.
Training read_training(TomlReader reader, const TrainingDefaults& defaults,
                       const Protocol* protocol) {
  Training training;
  (void)reader.node("from");  // A reference: study.cpp follows it.
  if (protocol != nullptr) training.loss = read_loss(reader, *protocol, "l1");
  std::int64_t steps = reader.integer("steps", defaults.steps, 1, kStepsMax);
  std::vector<std::int64_t> milestones = defaults.milestones;
  std::erase_if(milestones, [&](std::int64_t step) { return step >= steps; });
  milestones = reader.integers("milestones", milestones, 1, kStepsMax);
  if (!std::is_sorted(milestones.begin(), milestones.end())) {
    reader.fail("milestones", "must grow");
  }
  if (protocol != nullptr && protocol->extra_step) ++steps;
  const std::int64_t batch = reader.integer("batch", defaults.batch, 1, 65536);
  const std::int64_t accumulate = reader.integer("accumulate", 1, 1, 65536);
  if (batch % accumulate != 0) {
    reader.fail("accumulate", "must divide batch (" + std::to_string(batch) + ")");
  }
  training.train = {
      {"steps", steps},
      {"batch", batch},
      {"accumulate", accumulate},
      {"patch", reader.integer("patch", defaults.patch, 8, 4096)},
      {"learning_rate", reader.number("learning_rate", defaults.learning_rate, 1e-12, 10.0)},
      {"milestones", boost::json::array(milestones.begin(), milestones.end())},
      {"gamma", reader.number("gamma", 0.5, 0.0, 1.0)},
      {"beta2", reader.number("beta2", defaults.beta2, 0.0, 0.999999999)}};
  // Only where they are asked for: the paper's trainings keep their ids.
  for (const char* option : {"flips", "rotations"}) {
    if (reader.boolean(option, false)) training.train[option] = true;
  }
  if (protocol != nullptr) read_validation(reader.table("validation"), training.train);
  training.checkpoint_every = reader.integer("checkpoint_every", 50, 1, kStepsMax);
  training.checkpoints_kept = reader.integer("checkpoints_kept", 2, 2, 1000);
  reader.finish();
  return training;
}

}  // namespace

namespace {

struct DatasetDefaults {
  std::vector<std::int64_t> size;    ///< Height and width of slices.
  std::vector<std::int64_t> volume;  ///< Voxels of a phantom.
};

/// The paper's sizes (section 4.1), by importer or kind of phantom.
DatasetDefaults dataset_defaults(const std::string& name) {
  if (name == "brats" || name == "tumour") return {{192, 192}, {240, 240, 155}};
  if (name == "acdc" || name == "cardiac") return {{128, 128}, {216, 256, 10}};
  if (name == "covid" || name == "lung") return {{512, 512}, {512, 512, 176}};
  return {{160, 128}, {176, 208, 176}};
}

std::string path_beside(const TomlReader& reader, const std::string& path) {
  const auto folder = std::filesystem::path(reader.file()).parent_path();
  return std::filesystem::absolute(folder / path).lexically_normal().string();
}

}  // namespace

SourcePlace source_place(const TomlReader& reader, std::string_view key) {
  const toml::source_region source = reader.source(key);
  return {.file = source.path ? source.path : std::make_shared<const std::string>(reader.file()),
          .line = source.begin.line,
          .column = source.begin.column};
}

DatasetSpec read_dataset(TomlReader reader, const std::string& name) {
  DatasetSpec spec;
  spec.name = name;
  spec.place = source_place(reader, "importer");
  spec.importer = reader.choice("importer", std::nullopt,
                                {"phantom", "oasis", "brats", "acdc", "covid", "generic"});
  const bool is_phantom = spec.importer == "phantom";
  if (is_phantom) {
    spec.kind = reader.choice("kind", "brain", {"brain", "tumour", "cardiac", "lung"});
  }
  const DatasetDefaults defaults = dataset_defaults(is_phantom ? spec.kind : spec.importer);
  const std::vector<std::int64_t> size = reader.integers("size", defaults.size, 8, 4096);
  if (size.size() != 2) reader.fail("size", "must be [height, width] in pixels");
  spec.height = size[0];
  spec.width = size[1];
  spec.seed = reader.integer("seed", 1, 0, INT64_MAX);
  if (is_phantom) {
    spec.subjects = reader.integer("subjects", 8, 2, 9999);
    spec.volume = reader.integers("volume", defaults.volume, 1, 1024);
    if (spec.volume.size() != 3) reader.fail("volume", "must be [x, y, z] in voxels");
    spec.test_subjects = reader.integer("test_subjects", 1, 1, spec.subjects - 1);
    spec.split = "seeded";
  } else {
    spec.source = reader.text("source", "");
    spec.split = reader.text("split", "auto");
    if (spec.split.ends_with(".csv")) spec.split = path_beside(reader, spec.split);
    spec.test_subjects = reader.integer("test_subjects", 0, 0, 100000);
  }
  if (spec.importer == "generic") {
    spec.list = path_beside(reader, reader.text("list", std::nullopt));
    spec.slice_axis = reader.integer("slice_axis", 2, 0, 2);
    spec.labelled_slices_only = reader.boolean("labelled_slices_only", false);
    spec.mixed_orientation = reader.boolean("mixed_orientation", false);
  }
  spec.label_names = reader.texts("label_names", {});
  TomlReader groups = reader.table("label_groups");
  for (const std::string& group : groups.names()) {
    spec.label_groups[group] = groups.texts(group, {});
  }
  reader.finish();
  return spec;
}

std::map<std::string, WeightsSpec> read_weights(TomlReader reader) {
  std::map<std::string, WeightsSpec> weights;
  for (const std::string name : {"vgg19", "resnet34", "inception"}) {
    if (!reader.has(name)) continue;
    const std::string text = reader.text(name, std::nullopt);
    if (text == "random") {
      // A distance to random features is a loss; a "FID" of them would only look like one.
      if (name != "vgg19") reader.fail(name, "only vgg19 may be random");
      weights[name].place = source_place(reader, name);
      continue;
    }
    WeightsSpec spec;
    spec.place = source_place(reader, name);
    const auto folder = std::filesystem::path(reader.file()).parent_path();
    spec.path = std::filesystem::absolute(folder / text).lexically_normal();
    // A plan can be looked at before the file is there; a run refuses (require_weights).
    const bool there = std::filesystem::is_regular_file(spec.path);
    spec.sha256 = there ? sha256_file(spec.path) : "missing:" + text;
    weights[name] = spec;
  }
  reader.finish();
  return weights;
}

TableSpec read_table(TomlReader reader) {
  TableSpec table;
  table.name = reader.text("name", std::nullopt);
  table.title = reader.text("title", table.name);
  table.columns = reader.texts("columns", {});
  if (table.columns.empty()) reader.fail("columns", "must name at least one metric");
  table.paper = reader.text("paper", "");
  TomlReader rows = reader.table("paper_rows");
  for (const std::string& row : rows.names()) table.paper_rows[row] = rows.text(row, std::nullopt);
  reader.finish();
  return table;
}

TrialSpec read_trial(TomlReader reader) {
  TrialSpec trial;
  trial.row = reader.text("row", std::nullopt);
  (void)reader.node("name");
  trial.dataset = reader.text("dataset", std::nullopt);
  trial.method = reader.choice("method", "network", {"network", "bicubic", "hr"});
  trial.scale = reader.integer("scale", 4, 2, 4);
  trial.seed = reader.integer("seed", 1, 0, INT64_MAX);
  trial.noise = reader.number("noise", 0.0, 0.0, 1.0);
  trial.precision = reader.choice("precision", "fp32", {"fp32", "tf32", "bf16"});
  trial.samples = reader.integer("samples", 4, 0, 1000);
  trial.profile = reader.boolean("profile", false);
  trial.unet_from = reader.text("unet_from", trial.dataset);
  trial.unet_from_place = source_place(reader, reader.has("unet_from") ? "unet_from" : "dataset");
  const Protocol protocol = read_protocol(reader);
  trial.init = protocol.init;
  trial.network = read_network(reader.table("network"), protocol.swin_shift);

  TomlReader unet = reader.table("unet");
  trial.unet = {{"width", unet.integer("width", 64, 8, 512)},
                {"encoder", unet.choice("encoder", "random", {"random", "resnet34"})}};
  if (trial.unet.at("width").as_int64() % 4 != 0) unet.fail("width", "must be a multiple of 4");
  trial.segmenter =
      read_training(unet.table("train"), {100'000, 32, 96, 1e-4, {50'000, 75'000}, 0.999}, nullptr);
  unet.finish();
  if (trial.segmenter.train.at("patch").as_int64() % 32 != 0) {
    unet.table("train").fail("patch", "must be a multiple of 32 (five halvings)");
  }

  trial.pretrain =
      read_training(reader.table("pretrain"), {100'000, 32, 24, 2e-4, {}, 0.99}, &protocol);
  trial.segmented = reader.boolean("segmented", true);
  trial.segmented_place = source_place(reader, "segmented");
  const bool wants_finetune = reader.boolean("finetuned", true);
  Training finetune = read_training(
      reader.table("finetune"), {20'000, 32, 24, 1e-4, {10'000, 15'000, 17'500}, 0.99}, &protocol);
  if (wants_finetune && trial.method == "network") trial.finetune = std::move(finetune);
  reader.finish();
  return trial;
}

}  // namespace reprise::sweep
