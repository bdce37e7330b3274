#include "sweep/study_sections.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise::sweep {
namespace {

constexpr std::int64_t kStepsMax = 100'000'000;

const std::vector<std::string>& loss_names() {
  static const std::vector<std::string> names = {"l1", "e1", "e2",    "e3", "e4",
                                                 "e5", "d",  "sum_e", "hrl"};
  return names;
}

/// Paper, Eq. 12: alpha = 1 for L1, lambda = 10 for the segmentation losses.
boost::json::object loss_term(const std::string& name, double weight) {
  return {{"name", name}, {"weight", weight}};
}
double default_weight(const std::string& name) { return name == "l1" ? 1.0 : 10.0; }

boost::json::array read_loss(TomlReader& reader, const std::string& fallback) {
  const toml::node* found = reader.node("loss");
  boost::json::array terms;
  if (found == nullptr) {
    terms.emplace_back(loss_term(fallback, 1.0));
    return terms;
  }
  if (!found->is_array() || found->as_array()->empty()) {
    reader.fail("loss", R"(must be a list such as ["l1", "e1"])");
  }
  for (const toml::node& item : *found->as_array()) {
    toml::table named;
    const toml::table* table = item.as_table();
    if (const auto* text = item.as_string()) {
      named.insert("name", text->get());
      table = &named;
    }
    if (table == nullptr) reader.fail("loss", "must hold loss names or {name, weight} tables");
    TomlReader term(reader.file(), reader.path() + ".loss", {table});
    const std::string name = term.choice("name", std::nullopt, loss_names());
    terms.emplace_back(loss_term(name, term.number("weight", default_weight(name), 0.0, 1e9)));
    term.finish();
  }
  return terms;
}

struct TrainingDefaults {
  std::int64_t steps, batch, patch;
  double learning_rate;
  std::vector<std::int64_t> milestones;
};

Training read_training(TomlReader reader, const TrainingDefaults& defaults, bool with_loss) {
  Training training;
  if (with_loss) training.loss = read_loss(reader, "l1");
  const std::int64_t steps = reader.integer("steps", defaults.steps, 1, kStepsMax);
  std::vector<std::int64_t> milestones = defaults.milestones;
  std::erase_if(milestones, [&](std::int64_t step) { return step >= steps; });
  milestones = reader.integers("milestones", milestones, 1, kStepsMax);
  if (!std::is_sorted(milestones.begin(), milestones.end())) {
    reader.fail("milestones", "must grow");
  }
  training.train = {
      {"steps", steps},
      {"batch", reader.integer("batch", defaults.batch, 1, 65536)},
      {"patch", reader.integer("patch", defaults.patch, 8, 4096)},
      {"learning_rate", reader.number("learning_rate", defaults.learning_rate, 1e-12, 10.0)},
      {"milestones", boost::json::array(milestones.begin(), milestones.end())},
      {"gamma", reader.number("gamma", 0.5, 0.0, 1.0)}};
  training.checkpoint_every = reader.integer("checkpoint_every", 50, 1, kStepsMax);
  reader.finish();
  return training;
}

}  // namespace

DatasetSpec read_dataset(TomlReader reader, const std::string& name) {
  DatasetSpec spec;
  spec.name = name;
  spec.importer = reader.choice("importer", std::nullopt, {"phantom", "oasis", "generic"});
  const std::vector<std::int64_t> size = reader.integers("size", {160, 128}, 8, 4096);
  if (size.size() != 2) reader.fail("size", "must be [height, width] in pixels");
  spec.height = size[0];
  spec.width = size[1];
  spec.seed = reader.integer("seed", 1, 0, INT64_MAX);
  if (spec.importer == "phantom") {
    spec.subjects = reader.integer("subjects", 8, 2, 100000);
    spec.volume = reader.integers("volume", {176, 208, 176}, 16, 1024);
    if (spec.volume.size() != 3) reader.fail("volume", "must be [x, y, z] in voxels");
  } else {
    spec.source = reader.text("source", "");
  }
  if (spec.importer == "generic") {
    const std::filesystem::path list = reader.text("list", std::nullopt);
    const auto folder = std::filesystem::path(reader.file()).parent_path();
    spec.list = std::filesystem::absolute(folder / list).lexically_normal().string();
    spec.slice_axis = reader.integer("slice_axis", 2, 0, 2);
    spec.labelled_slices_only = reader.boolean("labelled_slices_only", false);
  } else {
    const std::int64_t most = spec.importer == "phantom" ? spec.subjects - 1 : 100000;
    spec.test_subjects = reader.integer("test_subjects", 1, 1, most);
  }
  spec.label_names = reader.texts("label_names", {"CSF", "G", "W"});
  reader.finish();
  return spec;
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
  trial.dataset = reader.text("dataset", std::nullopt);
  trial.method = reader.choice("method", "network", {"network", "bicubic", "hr"});
  trial.scale = reader.integer("scale", 4, 2, 4);
  trial.seed = reader.integer("seed", 1, 0, INT64_MAX);
  trial.noise = reader.number("noise", 0.0, 0.0, 1.0);
  trial.precision = reader.choice("precision", "fp32", {"fp32"});
  trial.network = read_network(reader.table("network"));

  TomlReader unet = reader.table("unet");
  trial.unet = {{"width", unet.integer("width", 64, 8, 512)}};
  if (trial.unet.at("width").as_int64() % 4 != 0) unet.fail("width", "must be a multiple of 4");
  trial.segmenter =
      read_training(unet.table("train"), {100'000, 32, 96, 1e-4, {50'000, 75'000}}, false);
  unet.finish();
  if (trial.segmenter.train.at("patch").as_int64() % 32 != 0) {
    unet.table("train").fail("patch", "must be a multiple of 32 (five halvings)");
  }

  trial.pretrain = read_training(reader.table("pretrain"), {100'000, 32, 24, 2e-4, {}}, true);
  const bool wants_finetune = reader.boolean("finetuned", true);
  Training finetune = read_training(reader.table("finetune"),
                                    {20'000, 32, 24, 1e-4, {10'000, 15'000, 17'500}}, true);
  if (wants_finetune && trial.method == "network") trial.finetune = std::move(finetune);
  reader.finish();
  return trial;
}

}  // namespace reprise::sweep
