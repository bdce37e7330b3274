#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "sweep/study.h"

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

}  // namespace reprise::sweep
