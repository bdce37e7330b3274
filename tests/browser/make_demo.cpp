/// Makes a workspace for the browser tests: make_demo FOLDER [STUDIES]. No training: what a run
/// would have left in the database, with what no run ever leaves (hostile names, thousands of
/// trials).
///
///   demo      finished, 20 trials over three axes, with curves, slices and sample pictures
///   hostile   names, labels and messages that are markup or script
///   large     5,000 trials, most done, some failed, some waiting
///
/// and of the folder STUDIES, those of the paper, every stage done, so that its ten tables are
/// full.

#include <cmath>
#include <cstdio>
#include <random>

#include "sweep/error.h"
#include "sweep/study.h"
#include "tests/dashboards/web/sample_file.h"
#include "tests/dashboards/web/support.h"

namespace {

using namespace reprise;
using namespace reprise::dashboards::web;
namespace json = boost::json;

constexpr const char* kHostile =
    "<img src=x onerror=document.title='pwned'><script>alert(1)</script>";

constexpr const char* kDemo = R"toml(
schema = 1
name = "demo"
title = "RDST-E on brains: window, width and loss"

[datasets.brains]
importer = "phantom"

[trial]
dataset = "brains"
network = { name = "rdst-e" }

[[trials]]
row = "HR"
method = "hr"

[[trials]]
row = "Bicubic"
method = "bicubic"

[[trials]]
row = "M={network.window} d={network.width} L1"
grid = { "network.window" = [2, 4, 8], "network.width" = [24, 60, 96] }

[[trials]]
row = "M={network.window} d={network.width} E(1)"
grid = { "network.window" = [2, 4, 8], "network.width" = [24, 60, 96] }
finetune.loss = ["l1", "e1"]

[[tables]]
name = "table6"
title = "Fine-tuning with a perceptual loss"
columns = ["PSNR", "SSIM", "Dice-T", "Dice-G"]
paper = "6"
paper_rows = { "M=8 d=60 L1" = "L1", "M=8 d=60 E(1)" = "E(1)" }

[[tables]]
name = "ablation"
title = "Every combination"
columns = ["PSNR", "Dice-T"]
)toml";

/// `quality`: dB above 30.
json::object evaluation(double quality, int slices, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 1);
  json::array subjects{"sub-07", "sub-11", "sub-19", "sub-23"};
  json::array subject;
  json::array slice;
  json::array psnr;
  json::array ssim;
  json::array dice_t;
  json::array dice_g;
  std::mt19937 content(7);  // How hard a slice is does not depend on the method.
  std::normal_distribution<double> hard(0, 2.2);
  for (int i = 0; i < slices; ++i) {
    const double level = hard(content);
    subject.emplace_back(i % 4);
    slice.emplace_back(i / 4);
    psnr.emplace_back(30 + quality + level + 0.2 * noise(random));
    ssim.emplace_back(0.9 + 0.02 * quality + 0.006 * level + 0.002 * noise(random));
    dice_t.emplace_back(0.88 + 0.015 * quality + 0.004 * level + 0.003 * noise(random));
    dice_g.emplace_back(0.80 + 0.02 * quality + 0.006 * level + 0.004 * noise(random));
  }
  return {{"artifacts", json::object{}},
          {"scalars", {{"evaluate_seconds", 12.5}}},
          {"curve", json::array{}},
          {"rows",
           {{"subjects", subjects},
            {"subject", subject},
            {"slice", slice},
            {"values", {{"PSNR", psnr}, {"SSIM", ssim}, {"Dice-T", dice_t}, {"Dice-G", dice_g}}}}},
          {"provenance",
           {{"host", "node-3"},
            {"device", "cuda:0"},
            {"ranks", 4},
            {"threads", 4},
            {"cost", {{"wall_seconds", 14.0}}}}}};
}

json::object training(double floor, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 0.08);
  json::array curve;
  for (int step = 0; step <= 20000; step += 10) {
    const double loss = (floor + 0.2 * std::exp(-step / 2500.0)) * std::exp(noise(random));
    curve.push_back(json::array{step, loss});
  }
  return {{"artifacts", {{"weights", {{"sha256", std::string(64, 'a')}, {"bytes", 17'912'345}}}}},
          {"scalars", {{"loss", floor}, {"parameters", 1'123'456}, {"train_seconds", 5231.0}}},
          {"curve", std::move(curve)},
          {"provenance",
           {{"host", "node-3"},
            {"device", "cuda:0"},
            {"ranks", 4},
            {"threads", 4},
            {"torch", "2.11.0"},
            {"seconds", 5231.0},
            {"steps_per_second", 19.1},
            {"cost", {{"wall_seconds", 5240.0}}}}}};
}

struct Maker {
  std::filesystem::path workspace;
  db::Store store;
  int gangs = 0;

  void finish_on(const std::string& stage, const json::object& body) {
    const std::string gang = "local-" + std::to_string(gangs++ % 3);
    const auto fence = store.begin_attempt(stage, gang, "node-3", "cuda", 4);
    REPRISE_CHECK(store.commit_result(stage, fence, body));
  }

  void demo() {
    const sweep::Study study = sweep::parse_study(kDemo, "demo.toml");
    const sweep::Plan plan = sweep::make_plan(study, {{"brains", std::string(64, 'b')}});
    store.put_dataset(
        "brains", std::string(64, 'b'), "datasets/brains-0.h5",
        R"({"importer":"phantom","slices":870,"size":[160,128],"label_names":["CSF","G","W"]})");
    store.put_plan(plan, study.text);
    for (const sweep::Stage& stage : plan.stages) {
      if (stage.kind != sweep::StageKind::Evaluate) {
        finish_on(stage.id, training(stage.kind == sweep::StageKind::Finetune ? 0.02 : 0.03, 3));
        continue;
      }
      double quality = 0;
      if (const json::value* network = stage.config.if_contains("network")) {
        const auto& keys = network->get_object();
        quality = 2 + 0.2 * std::log2(keys.at("window").to_number<double>()) +
                  keys.at("width").to_number<double>() / 120 +
                  (stage.label.find("E(1)") == std::string::npos ? 0 : 0.3);
      }
      json::object body = evaluation(quality, 120, static_cast<unsigned>(gangs));
      if (stage.config.at("method") == "hr") {
        for (json::value& value : body["rows"].as_object()["values"].as_object()["PSNR"].as_array())
          value = nullptr;
      }
      body["artifacts"] = {
          {"samples", write_samples(workspace, 6, 160, 128, 4, 1 + std::max(0.0, quality))}};
      finish_on(stage.id, body);
    }
  }

  /// A hostile study of one done, one failed. Its name has no slash: no study's has one, and a path
  /// with one is refused.
  void hostile() {
    sweep::Plan plan = small_plan("hostile <img src=x onerror=document.title='pwned'>");
    for (auto& stage : plan.stages) stage.label = kHostile;
    for (auto& trial : plan.trials) {
      trial.row = trial.name + kHostile;
      trial.name = trial.name + kHostile;
    }
    store.put_plan(plan, kHostile);
    finish_on(plan.stages[0].id, training(0.1, 9));
    json::object body = evaluation(1, 12, 9);
    auto& values = body["rows"].as_object()["values"].as_object();
    values[std::string("Dice-") + kHostile] = values["SSIM"];
    finish_on(plan.stages[2].id, body);
    const auto fence = store.begin_attempt(plan.stages[1].id, kHostile, kHostile, kHostile, 1);
    store.end_attempt(fence, "failed", kHostile);
    store.add_event("failed", plan.stages[1].id + ": " + kHostile, kHostile);
    store.put_dataset(kHostile, std::string(64, 'd'), "datasets/x.h5",
                      json::serialize(json::object{{kHostile, kHostile}}));
  }

  /// Everything was written within seconds: three gangs would have taken a day.
  void spread_over_a_day() const {
    db::Connection connection(workspace / "reprise.db", db::Access::ReadWrite);
    connection.execute(
        "UPDATE attempts SET started = 1795600000000 + (fence - 1) / 3 * 1500000"
        " + (fence - 1) % 3 * 200000;"
        "UPDATE attempts SET ended = started + CASE (SELECT kind FROM stages WHERE id=stage)"
        " WHEN 'evaluate' THEN 240000 WHEN 'finetune' THEN 1100000 ELSE 1380000 END"
        " WHERE ended IS NOT NULL;"
        "UPDATE results SET committed_at = (SELECT ended FROM attempts a"
        " WHERE a.fence=results.fence)");
  }

  /// Every metric of the paper for each of its evaluations, over a few slices.
  void filled(const std::filesystem::path& studies) {
    const sweep::Study study = sweep::load_study(studies);
    std::map<std::string, std::string> digests;
    for (const sweep::DatasetSpec& spec : study.datasets) {
      digests[spec.name] = std::string(63, 'e') + std::to_string(digests.size() % 10);
      store.put_dataset(spec.name, digests[spec.name], "datasets/" + spec.name + ".h5", "{}");
    }
    const sweep::Plan plan = sweep::make_plan(study, digests);
    store.put_plan(plan, study.text);
    for (const sweep::Stage& stage : plan.stages) {
      if (stage.kind == sweep::StageKind::Evaluate) {
        json::object body = evaluation(0.01 * (gangs % 100), 8, static_cast<unsigned>(gangs));
        json::object& values = body["rows"].as_object()["values"].as_object();
        for (const char* name : {"Dice-W", "Dice-CSF", "Dice-WT", "Dice-ET", "Dice-TC", "Dice-LV",
                                 "Dice-RV", "Dice-MC", "Dice-LL", "Dice-RL", "Dice-Lesion"}) {
          values[name] = values["Dice-G"];
        }
        for (const char* modality : {"T1Gd", "T1", "T2", "FLAIR"}) {
          values["PSNR-" + std::string(modality)] = values["PSNR"];
          values["SSIM-" + std::string(modality)] = values["SSIM"];
        }
        body["scalars"] = {{"FID", 20 + 0.1 * (gangs % 50)}};
        finish_on(stage.id, body);
      } else if (stage.kind == sweep::StageKind::Profile) {
        json::object body = training_body(1);
        body["scalars"] = {{"FPS", 15 + gangs % 9}};
        finish_on(stage.id, body);
      } else {
        finish_on(stage.id, training_body(20));
      }
    }
  }

  void large() {
    sweep::Plan plan;
    plan.study = "large";
    for (int i = 0; i < 5000; ++i) {
      const json::object network{
          {"name", "rdst"}, {"width", 12 * (1 + i % 10)}, {"blocks", 1 + i / 10 % 6}};
      const std::string name = "t" + std::to_string(i);
      plan.stages.push_back(
          make_stage(sweep::StageKind::Pretrain, "pretrain " + name,
                     {{"network", network}, {"seed", i}, {"loss", json::array{{{"name", "l1"}}}}}));
      const std::string pretrain = plan.stages.back().id;
      plan.stages.push_back(make_stage(sweep::StageKind::Evaluate, "evaluate " + name,
                                       {{"method", "network"}, {"network", network}, {"seed", i}},
                                       {{"network", pretrain}}, 1));
      plan.trials.push_back(
          {name,
           name,
           {{"pretrain", pretrain}, {"network", pretrain}, {"evaluate", plan.stages.back().id}}});
    }
    store.put_plan(plan, "no file");
    for (int i = 0; i < 4000; ++i) {
      const auto& stages = plan.trials[static_cast<std::size_t>(i)].stages;
      finish_on(stages.at("pretrain"), training_body(3));
      finish_on(stages.at("evaluate"), evaluation_body(25 + i % 10 + 0.1 * (i / 10 % 6)));
    }
    for (int i = 4000; i < 4020; ++i) {
      const auto& stages = plan.trials[static_cast<std::size_t>(i)].stages;
      const auto fence = store.begin_attempt(stages.at("pretrain"), "local-0", "node-3", "cuda", 4);
      store.end_attempt(fence, "failed", "training: loss is not finite at step 40");
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    return std::fprintf(stderr, "usage: make_demo FOLDER [STUDIES]\n"), 2;
  }
  const std::filesystem::path workspace = argv[1];
  Maker maker{.workspace = workspace, .store = {workspace / "reprise.db", db::Access::ReadWrite}};
  // In one transaction: ten thousand of them would take a minute of waiting for the disk.
  maker.store.group([&] {
    maker.demo();
    maker.hostile();
    maker.large();
    if (argc == 3) maker.filled(argv[2]);
  });
  maker.spread_over_a_day();
  return 0;
}
