#include "dashboards/web/axes.h"

#include <gtest/gtest.h>

#include "tests/dashboards/web/support.h"

namespace reprise::dashboards::web {

TEST(Axes, AreTheKeysOnWhichTrialsDiffer) {
  const Axes axes = axes_of(small_plan());
  // The second trial alone has a fine-tuning; nothing else differs.
  ASSERT_EQ(axes.names, std::vector<std::string>{"finetune.loss"});
  EXPECT_TRUE(axes.values[0][0].is_null());
  EXPECT_EQ(axes.values[1][0], boost::json::value("10 e1"));
}

TEST(Axes, AKeyThatAllStagesOfATrialShareIsOneAxis) {
  sweep::Plan plan = small_plan();
  const boost::json::object wide{{"name", "rdst"}, {"width", 24}};
  plan.stages.push_back(make_stage(
      sweep::StageKind::Pretrain, "pretrain wide",
      {{"network", wide}, {"loss", boost::json::array{{{"name", "l1"}, {"weight", 1}}}}}));
  plan.stages.push_back(make_stage(sweep::StageKind::Evaluate, "evaluate wide",
                                   {{"method", "network"}, {"network", wide}},
                                   {{"network", plan.stages[4].id}}, 1));
  plan.trials.push_back({"wide",
                         "wide",
                         {{"pretrain", plan.stages[4].id},
                          {"network", plan.stages[4].id},
                          {"evaluate", plan.stages[5].id}}});
  const Axes axes = axes_of(plan);
  ASSERT_EQ(axes.names, (std::vector<std::string>{"finetune.loss", "network.width"}));
  EXPECT_EQ(axes.values[0][1], boost::json::value(12));
  EXPECT_EQ(axes.values[2][1], boost::json::value(24));
}

TEST(Axes, AMissingNetworkIsNoValueOfItsKeys) {
  sweep::Plan plan = small_plan();
  plan.trials.pop_back();
  plan.stages.push_back(
      make_stage(sweep::StageKind::Evaluate, "evaluate bicubic", {{"method", "bicubic"}}, {}, 1));
  plan.trials.push_back({"bicubic", "Bicubic", {{"evaluate", plan.stages.back().id}}});
  EXPECT_EQ(axes_of(plan).names, std::vector<std::string>{"method"});
}

}  // namespace reprise::dashboards::web
