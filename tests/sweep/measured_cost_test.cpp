#include "sweep/measured_cost.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

namespace reprise::sweep {
namespace {

Stage finetune(std::int64_t batch, std::int64_t steps, const char* loss = "l1") {
  Stage stage;
  stage.kind = StageKind::Finetune;
  stage.config = {
      {"network", {{"name", "rdst"}}},
      {"scale", 4},
      {"precision", "fp32"},
      {"seed", 1},
      {"loss", {{{"name", loss}, {"weight", 1.0}}}},
      {"train", {{"steps", steps}, {"batch", batch}, {"patch", 24}, {"learning_rate", 1e-4}}}};
  stage.steps = steps;
  return stage;
}

CostSample sample(const Stage& stage, double seconds, int ranks = 1) {
  return {.shape = cost_shape(stage), .device = "cpu", .ranks = ranks, .seconds_per_step = seconds};
}

}  // namespace

TEST(MeasuredCosts, TheShapeIsWhatAStepsWorkDependsOn) {
  const Stage one = finetune(4, 100);
  Stage other = finetune(4, 20000);
  other.config["seed"] = 7;
  other.config["train"].as_object()["learning_rate"] = 3e-4;
  other.config["loss"].as_array()[0].as_object()["weight"] = 10.0;
  EXPECT_EQ(cost_shape(one), cost_shape(other));
  EXPECT_NE(cost_shape(one), cost_shape(finetune(8, 100)));
  EXPECT_NE(cost_shape(one), cost_shape(finetune(4, 100, "e1")));
  Stage precise = one;
  precise.config["precision"] = "bf16";
  EXPECT_NE(cost_shape(one), cost_shape(precise));
}

TEST(MeasuredCosts, TheMedianOfEqualWorkTimesTheStepsIsThePrediction) {
  MeasuredCosts model;
  EXPECT_FALSE(model.predict(finetune(4, 100), "cpu", 1));
  for (const double seconds : {0.5, 0.6, 9.0}) model.add(sample(finetune(4, 100), seconds));
  model.add(sample(finetune(4, 100), std::numeric_limits<double>::quiet_NaN()));
  model.add(sample(finetune(4, 100), 0));
  const auto predicted = model.predict(finetune(4, 20000), "cpu", 1);
  ASSERT_TRUE(predicted);
  EXPECT_DOUBLE_EQ(predicted->seconds, 0.6 * 20000);
  EXPECT_EQ(predicted->samples, 3);
  EXPECT_EQ(predicted->basis, CostBasis::SameShape);
  EXPECT_FALSE(model.predict(finetune(4, 100), "cuda", 1));
}

TEST(MeasuredCosts, OtherBatchesLieOnALine) {
  MeasuredCosts model;
  model.add(sample(finetune(4, 1), 0.5));
  EXPECT_DOUBLE_EQ(model.predict(finetune(8, 1), "cpu", 1)->seconds, 1.0);
  model.add(sample(finetune(16, 1), 1.7));  // 0.1 and 0.1 a sample.
  const auto predicted = model.predict(finetune(32, 10), "cpu", 1);
  EXPECT_NEAR(predicted->seconds, 33, 1e-9);
  EXPECT_EQ(predicted->basis, CostBasis::OtherBatch);
  EXPECT_NEAR(model.predict(finetune(8, 1), "cpu", 1)->seconds, 0.9, 1e-9);
  EXPECT_GT(model.predict(finetune(1, 1), "cpu", 1)->seconds, 0);
}

TEST(MeasuredCosts, AGangThatWasNeverMeasuredIsScaledFromTheNearest) {
  MeasuredCosts model;
  model.add(sample(finetune(32, 1), 8));
  const auto predicted = model.predict(finetune(32, 1), "cpu", 2);
  EXPECT_EQ(predicted->basis, CostBasis::OtherGang);
  EXPECT_NEAR(predicted->seconds, 8 / 1.68, 0.01);
  model.add(sample(finetune(32, 1), 4.4, 2));
  EXPECT_DOUBLE_EQ(model.predict(finetune(32, 1), "cpu", 2)->seconds, 4.4);
}

TEST(MeasuredCosts, AnEvaluationDependsOnItsDataSet) {
  Stage evaluate;
  evaluate.kind = StageKind::Evaluate;
  evaluate.config = {{"method", "bicubic"}, {"scale", 4}};
  evaluate.dataset_digest = std::string(64, 'a');
  Stage other = evaluate;
  other.dataset_digest = std::string(64, 'b');
  EXPECT_NE(cost_shape(evaluate), cost_shape(other));
}

}  // namespace reprise::sweep
