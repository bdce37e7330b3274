#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "sweep/study.h"
#include "tests/sweep/study_support.h"

namespace reprise::sweep {
namespace {

Plan plan_of(const std::string& trials) {
  const Study study = parse_study(R"(schema = 1
name = "s"
[datasets.d]
importer = "phantom"
[trial]
dataset = "d"
)" + trials,
                                  "s.toml");
  return make_plan(study, {{"d", std::string(64, 'a')}});
}

long count(const Plan& plan, StageKind kind) {
  return std::count_if(plan.stages.begin(), plan.stages.end(),
                       [&](const Stage& stage) { return stage.kind == kind; });
}

}  // namespace

TEST(Expand, TrialsShareTheirCommonPrefix) {
  const Plan plan = plan_of(R"([[trials]]
row = "HR"
method = "hr"
[[trials]]
row = "L1"
[[trials]]
row = "E"
finetune.loss = ["l1", "e1"]
)");
  EXPECT_EQ(count(plan, StageKind::TrainUnet), 1);
  EXPECT_EQ(count(plan, StageKind::Pretrain), 1);
  EXPECT_EQ(count(plan, StageKind::Finetune), 2);
  EXPECT_EQ(count(plan, StageKind::Evaluate), 3);
  EXPECT_EQ(plan.trials[1].stages.at("pretrain"), plan.trials[2].stages.at("pretrain"));
}

TEST(Expand, EveryStageHasALabelOfItsOwn) {
  const Plan plan = plan_of(R"([[trials]]
row = "w{network.width} {seed}"
grid = { "network.width" = [12, 24], seed = [1, 2] }
[[trials]]
row = "E"
finetune.loss = ["l1", "e1"]
)");
  std::set<std::string> labels;
  for (const Stage& stage : plan.stages) {
    EXPECT_TRUE(labels.insert(stage.label).second) << stage.label;
  }
  // What only one stage is called stays short; of several each bears its first trial's name.
  EXPECT_TRUE(labels.contains("finetune l1+e1"));
  EXPECT_TRUE(labels.contains("pretrain l1 (w12-1)"));
  EXPECT_TRUE(labels.contains("segmentation U-Net (w12-2)"));
}

TEST(Expand, EveryStageStandsAfterItsInputs) {
  const Plan plan = plan_of("[[trials]]\nrow = \"E\"\nfinetune.loss = [\"e1\"]\n");
  std::set<std::string> seen;
  for (const Stage& stage : plan.stages) {
    for (const auto& [role, id] : stage.inputs) EXPECT_TRUE(seen.contains(id)) << role;
    seen.insert(stage.id);
  }
}

TEST(Expand, AStageOfL1AloneDoesNotWaitForTheSegmenter) {
  const Plan plan = plan_of("[[trials]]\nrow = \"L1\"\n");
  for (const Stage& stage : plan.stages) {
    if (stage.kind == StageKind::Pretrain || stage.kind == StageKind::Finetune) {
      EXPECT_FALSE(stage.inputs.contains("segmenter"));
    }
  }
}

TEST(Expand, HowOftenCheckpointsAreWrittenIsNotPartOfTheIdentity) {
  const Plan a = plan_of("[[trials]]\nrow = \"A\"\n");
  const Plan b = plan_of("[[trials]]\nrow = \"A\"\npretrain.checkpoint_every = 7\n");
  EXPECT_EQ(a.trials[0].stages, b.trials[0].stages);
}

TEST(Expand, FlipsAndRotationsArePartOfTheIdentityWhereTheyAreAskedFor) {
  const auto pretrain_of = [](const std::string& keys) {
    const Plan plan = plan_of("[[trials]]\nrow = \"A\"\n" + keys);
    return std::pair(plan.trials[0].stages.at("pretrain"), plan.trials[0].stages.at("segmenter"));
  };
  const auto [plain, unet] = pretrain_of("");
  EXPECT_EQ(pretrain_of("pretrain.flips = false\n").first, plain);
  const std::set<std::string> ids{
      plain, pretrain_of("pretrain.flips = true\n").first,
      pretrain_of("pretrain.rotations = true\n").first,
      pretrain_of("pretrain.rotations = true\npretrain.flips = true\n").first};
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_EQ(pretrain_of("pretrain.flips = true\n").second, unet);
  EXPECT_NE(pretrain_of("unet.train.flips = true\n").second, unet);
}

TEST(Expand, ALossMayUseTheUnetOfAnotherDataSet) {
  const Study study = parse_study(kForeignUnet, "s.toml");
  const Plan plan = make_plan(study, {{"d", std::string(64, 'a')}, {"e", std::string(64, 'b')}});
  EXPECT_EQ(count(plan, StageKind::TrainUnet), 2);
  const auto stage_of = [&](const std::string& id) -> const Stage& {
    return *std::find_if(plan.stages.begin(), plan.stages.end(),
                         [&](const Stage& stage) { return stage.id == id; });
  };
  const auto& stages = plan.trials[0].stages;
  EXPECT_EQ(stage_of(stage_of(stages.at("finetune")).inputs.at("segmenter")).dataset, "e");
  EXPECT_EQ(stage_of(stage_of(stages.at("evaluate")).inputs.at("segmenter")).dataset, "d");
}

TEST(Expand, NetworksAreProfiledWhereATableShowsIt) {
  const std::string trials =
      "[[trials]]\nrow = \"A\"\n[[trials]]\nrow = \"B\"\nmethod = "
      "\"bicubic\"\n[[tables]]\nname = \"t\"\n";
  EXPECT_EQ(count(plan_of(trials + "columns = [\"PSNR\"]\n"), StageKind::Profile), 0);
  const Plan plan = plan_of(trials + "columns = [\"PSNR\", \"FPS\"]\n");
  EXPECT_EQ(count(plan, StageKind::Profile), 1);
  EXPECT_TRUE(plan.trials[0].stages.contains("profile"));
}

TEST(Expand, ALongerTrainingOfASearchGoesOnFromTheShorterOne) {
  const std::string text = R"(schema = 1
name = "s"
[datasets.d]
importer = "phantom"
[trial]
dataset = "d"
segmented = false
finetuned = false
pretrain.validation = {every = 10}
[search]
metric = "validation"
trials = 3
steps = [10, 30]
axes = {"network.width" = [12, 24, 36]}
)";
  const auto plan_with = [&](const Observations& known) {
    return make_plan(parse_study(text, "s.toml", known), {{"d", std::string(64, 'a')}});
  };
  EXPECT_EQ(plan_with({}).trials.size(), 3U);
  const Plan plan =
      plan_with({{"search-000-10", 1.0}, {"search-001-10", 3.0}, {"search-002-10", 2.0}});
  ASSERT_EQ(plan.trials.size(), 4U);
  const auto stage_of = [&](const std::string& name) -> const Stage& {
    const auto trial = std::find_if(plan.trials.begin(), plan.trials.end(),
                                    [&](const Trial& each) { return each.name == name; });
    return *std::find_if(plan.stages.begin(), plan.stages.end(), [&](const Stage& stage) {
      return stage.id == trial->stages.at("pretrain");
    });
  };
  const Stage& shorter = stage_of("search-001-10");
  const Stage& longer = stage_of("search-001-30");
  EXPECT_EQ(longer.inputs.at("continues"), shorter.id);
  EXPECT_EQ(longer.config.at("train").at("steps").as_int64(), 30);
  EXPECT_EQ(longer.steps, 20) << "what is left to do";
  EXPECT_TRUE(shorter.options.contains("keep_state"));
  EXPECT_FALSE(longer.options.contains("keep_state"));
}

TEST(Expand, WeightsFromElsewhereAreAStageOfTheirOwn) {
  const Study study = parse_study(R"(schema = 1
name = "s"
[weights]
vgg19 = "random"
[datasets.d]
importer = "phantom"
[trial]
dataset = "d"
[[trials]]
row = "A"
finetune.loss = ["vgg"]
[[trials]]
row = "B"
finetune.loss = ["l1", "vgg"]
)",
                                  "s.toml");
  const Plan plan = make_plan(study, {{"d", std::string(64, 'a')}});
  EXPECT_EQ(count(plan, StageKind::ImportWeights), 1);
}

}  // namespace reprise::sweep
