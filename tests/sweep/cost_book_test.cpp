#include "sweep/cost_book.h"

#include <gtest/gtest.h>

#include "sweep/study.h"

namespace reprise::sweep {
namespace {

constexpr const char* kStudy = R"(schema = 1
name = "s"
[datasets.d]
importer = "phantom"
[trial]
dataset = "d"
segmented = false
pretrain.steps = 1000
finetuned = false
[[trials]]
row = "a"
[[trials]]
row = "other seed, rate and length"
seed = 2
pretrain = { steps = 5000, learning_rate = 1e-3, loss = [{ name = "l1", weight = 3 }] }
[[trials]]
row = "wider"
network.width = 120
[[trials]]
row = "another network"
network = { name = "edsr-lite" }
[[trials]]
row = "in bfloat16"
precision = "bf16"
[[trials]]
row = "batch"
pretrain.batch = 8
)";

/// The pretraining of each row, by its place.
std::vector<Stage> trainings() {
  const Plan plan = make_plan(parse_study(kStudy, "s.toml"), {{"d", std::string(64, 'd')}});
  std::vector<Stage> stages;
  for (const Trial& trial : plan.trials) {
    for (const Stage& stage : plan.stages) {
      if (stage.id == trial.stages.at("pretrain")) stages.push_back(stage);
    }
  }
  return stages;
}

CostSample sample(const Stage& stage, double step, double start = 0, int ranks = 1,
                  const std::string& device = "cpu", std::int64_t threads = 2) {
  return {.stage = stage,
          .setting = {.device = device, .threads = threads},
          .ranks = ranks,
          .cost = {.step_seconds = step, .start_seconds = start}};
}

const Setting kHere{.device = "cpu", .threads = 2};

TEST(CostBook, AShapeIsTheWorkOfAStepNotItsSeedRateOrLength) {
  const auto stages = trainings();
  CostBook book("cpu");
  EXPECT_EQ(book.shape_of(stages[0]), book.shape_of(stages[1]));
  for (const std::size_t other : {2U, 3U, 4U, 5U}) {
    EXPECT_NE(book.shape_of(stages[0]), book.shape_of(stages[other])) << other;
  }
}

TEST(CostBook, ALongerStageOfAMeasuredShapeCostsItsStepsAndOneStart) {
  const auto stages = trainings();
  CostBook book({sample(stages[0], 0.25, 4)}, kHere);
  const CostEstimate estimate = book.estimate(stages[1]);
  EXPECT_EQ(estimate.basis, CostBasis::Measured);
  EXPECT_DOUBLE_EQ(estimate.seconds, 4 + 5000 * 0.25);
}

TEST(CostBook, AnUnmeasuredShapeIsModelledTimesTheRatioOfItsNearestRelative) {
  const auto stages = trainings();
  CostModel model("cpu");
  const double narrow = model.step_seconds(stages[0]);
  const double wide = model.step_seconds(stages[2]);
  ASSERT_GT(wide, 2 * narrow);
  // EDSR-lite took ten times what the model says, RDST twice: another RDST is like RDST.
  CostBook book(
      {sample(stages[0], 2 * narrow), sample(stages[3], 10 * model.step_seconds(stages[3]))},
      kHere);
  const CostEstimate estimate = book.estimate(stages[2]);
  EXPECT_EQ(estimate.basis, CostBasis::Scaled);
  EXPECT_NEAR(estimate.seconds, 1000 * 2 * wide, 1e-6 * estimate.seconds);
  // Where two relatives are there, the one nearer in size.
  book.add(book.shape_of(stages[5]), 1, {.step_seconds = 7 * model.step_seconds(stages[5])});
  EXPECT_NEAR(book.estimate(stages[2]).seconds, 1000 * 2 * wide, 1e-6 * estimate.seconds);
}

TEST(CostBook, WithoutMeasurementsTheModelSpeaks) {
  const auto stages = trainings();
  CostBook book("cuda");
  const CostEstimate estimate = book.estimate(stages[0]);
  EXPECT_EQ(estimate.basis, CostBasis::Modelled);
  EXPECT_DOUBLE_EQ(estimate.seconds, 1000 * CostModel("cuda").step_seconds(stages[0]));
}

TEST(CostBook, OtherDevicesAndOtherThreadsSayNothingWhereOnesOwnWereMeasured) {
  const auto stages = trainings();
  const std::vector<CostSample> samples{sample(stages[0], 9, 0, 1, "cuda", 1),
                                        sample(stages[0], 0.5, 0, 1, "cpu", 2),
                                        sample(stages[0], 3, 0, 1, "cpu", 1)};
  EXPECT_DOUBLE_EQ(CostBook(samples, kHere).estimate(stages[0]).seconds, 500);
  // Measured with other threads only: better than a model.
  const CostEstimate four =
      CostBook({samples[2]}, {.device = "cpu", .threads = 4}).estimate(stages[0]);
  EXPECT_EQ(four.basis, CostBasis::Measured);
  EXPECT_DOUBLE_EQ(four.seconds, 3000);
  EXPECT_EQ(CostBook({samples[0]}, kHere).estimate(stages[0]).basis, CostBasis::Modelled);
  EXPECT_EQ(newest_setting(samples)->threads, 1);
  EXPECT_FALSE(newest_setting({}));
}

TEST(CostBook, NewMeasurementsMoveOldOnes) {
  const auto stages = trainings();
  CostBook book({sample(stages[0], 1)}, kHere);
  const auto shape = book.shape_of(stages[0]);
  EXPECT_FALSE(book.add(shape, 1, {.step_seconds = 2}));
  EXPECT_DOUBLE_EQ(*book.seconds(shape, 100, 1), 125);
  EXPECT_TRUE(book.add(book.shape_of(stages[2]), 1, {.step_seconds = 2}));
}

TEST(CostBook, GangsGrowAsLongAsADoublingPays) {
  const auto stages = trainings();
  CostBook book("cpu");
  const auto shape = book.shape_of(stages[0]);
  EXPECT_EQ(book.best_ranks(shape, 1, 8), 8);  // Nothing is known: it is tried.
  book.add(shape, 1, {.step_seconds = 1});
  EXPECT_EQ(book.best_ranks(shape, 1, 8), 2);  // One doubling more than was measured.
  book.add(shape, 2, {.step_seconds = 0.6});
  EXPECT_EQ(book.best_ranks(shape, 1, 8), 4);
  book.add(shape, 4, {.step_seconds = 0.5});
  EXPECT_EQ(book.best_ranks(shape, 1, 8), 2);  // Four gain 1.2.
  EXPECT_EQ(book.best_ranks(shape, 1, 1), 1);
  CostBook wide("cpu");
  wide.add(wide.shape_of(stages[0]), 8, {.step_seconds = 1});
  EXPECT_EQ(wide.best_ranks(shape, 1, 8), 4);  // Whether eight pay is known once four were tried.
  EXPECT_NEAR(book.speedup(shape, 1, 4), 2, 1e-12);
  EXPECT_NEAR(book.speedup(shape, 1, 8), 3, 1e-12);  // Of what was not measured, 1.5.
  // Predictions are for the smallest gang.
  EXPECT_EQ(book.estimate(shape, 10).ranks, 1);
  EXPECT_DOUBLE_EQ(book.estimate(shape, 10).device_seconds(), 10);
}

TEST(CostBook, AConfigurationOfAnotherVersionCostsSomething) {
  Stage odd;
  odd.config = {{"network", "no object"}};
  odd.steps = 7;
  EXPECT_DOUBLE_EQ(CostBook("cpu").estimate(odd).seconds, 7);
}

}  // namespace
}  // namespace reprise::sweep
