/// Run by mpirun with two ranks: a gang computes what one rank computes.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "losses/loss.h"
#include "tests/worker/mpi_main.h"
#include "worker/objective.h"

namespace reprise::worker {
namespace {

TEST(Gang, SumOverRanksSumsForwardAndBackward) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  const auto sum = sum_over_ranks(*collective);
  const double mine = collective->rank() + 1;
  const auto x = torch::full({3}, mine, torch::requires_grad());
  const auto y = sum(x);
  EXPECT_EQ(y[0].item<float>(), 3);
  (y * mine).sum().backward();
  EXPECT_EQ(x.grad()[0].item<float>(), 3);
}

/// Loss of the global batch and the summed gradient of the same step, by a gang or by one rank.
struct StepResult {
  double loss = 0;
  torch::Tensor gradient;
};

StepResult step_of(const std::string& config_text, const std::string& kind) {
  const auto config = boost::json::parse(config_text).as_object();
  torch::manual_seed(3);
  const SliceTensors slices{.images = torch::rand({6, 1, 64, 64}),
                            .labels = torch::randint(3, {6, 64, 64}, torch::kUInt8)};
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  torch::manual_seed(5);
  auto objective = make_objective(kind, config, {.classes = 3}, *collective);
  FlatAdam adam(objective.network->parameters(), objective.adam);
  objective.network->train();
  const BatchMaker batches(slices, batch_recipe(kind, config), collective->rank(),
                           collective->size(), torch::kCPU);
  const auto share = objective.loss_share(batches.make(0));
  share.backward();
  adam.gradients()[0].copy_(share.detach());
  collective->all_reduce_sum(adam.gradients());
  return {.loss = adam.gradients()[0].item<float>(),
          .gradient = adam.gradients().narrow(0, FlatAdam::kExtra, adam.weights().numel())};
}

TEST(Gang, UnetTrainingGivesAllRanksTheSameFiniteLoss) {
  const auto result = step_of(
      R"({"unet":{"width":8},"train":{"steps":1,"batch":3,"patch":64},"seed":1})", "train-unet");
  EXPECT_GT(result.loss, 0);
  EXPECT_LT(result.loss, 1);
  EXPECT_TRUE(result.gradient.isfinite().all().item<bool>());
}

}  // namespace
}  // namespace reprise::worker

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  reprise::worker::test_mpi();
  return RUN_ALL_TESTS();
}
