#include "worker/train.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <limits>

#include "tests/worker/mpi_main.h"
#include "worker/gang_error.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

/// A small network with batch norm (buffers) and dropout (random numbers).
Objective toy() {
  torch::manual_seed(4);
  torch::nn::Sequential network(
      torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 8, 3).padding(1)), torch::nn::BatchNorm2d(8),
      torch::nn::ReLU(), torch::nn::Dropout2d(0.1),
      torch::nn::Conv2d(torch::nn::Conv2dOptions(8, 16, 3).padding(1)), torch::nn::PixelShuffle(4));
  return {.network = network.ptr(),
          .loss_share =
              [network](const Batch& batch) mutable {
                return torch::l1_loss(network->forward(batch.lr), batch.hr);
              },
          .adam = {.beta2 = 0.99}};
}

class Train : public testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(8);
    const auto coarse = torch::rand({12, 1, 12, 12});
    slices_.images = torch::upsample_bilinear2d(coarse, {48, 48}, /*align_corners=*/false);
    slices_.labels = torch::zeros({12, 48, 48}, torch::kUInt8);
  }
  void TearDown() override { fs::remove_all(folder_); }

  TrainOutcome run(Objective& objective, const TrainSettings& settings, const std::string& name,
                   std::int64_t stop_after = std::numeric_limits<std::int64_t>::max()) {
    const BatchMaker batches(slices_, {.batch = 4, .hr_patch = 32, .scale = 4, .seed = 3}, 0, 1,
                             torch::kCPU);
    const auto collective = make_collective(test_mpi(), torch::kCPU);
    StageHooks hooks;
    std::int64_t asked = 0;
    hooks.stop_requested = [&] { return ++asked >= stop_after; };
    return train(objective, batches, settings, CheckpointStore(folder_ / name), *collective, hooks);
  }

  SliceTensors slices_;
  TrainSettings settings_{.steps = 20,
                          .learning_rate = 1e-2,
                          .milestones = {12},
                          .gamma = 0.5,
                          .seed = 3,
                          .checkpoint_every = 5};
  fs::path folder_ = fs::temp_directory_path() / ("reprise-train-" + std::to_string(getpid()));
};

TEST_F(Train, ResumesBitForBit) {
  auto whole = toy();
  const auto straight = run(whole, settings_, "whole");
  auto before = toy();
  const auto stopped = run(before, settings_, "parts", 9);
  EXPECT_FALSE(stopped.finished);
  EXPECT_EQ(stopped.step, 9);
  auto after = toy();
  const auto resumed = run(after, settings_, "parts");
  EXPECT_TRUE(resumed.finished);
  EXPECT_EQ(resumed.resumed_from, 9);

  ASSERT_EQ(straight.curve.size(), resumed.curve.size());
  for (std::size_t at = 0; at < straight.curve.size(); ++at) {
    EXPECT_EQ(straight.curve[at].loss, resumed.curve[at].loss);
  }
  const auto expected = whole.network->named_parameters();
  for (const auto& parameter : after.network->named_parameters()) {
    EXPECT_TRUE(torch::equal(expected[parameter.key()], parameter.value())) << parameter.key();
  }
  const auto buffers = whole.network->named_buffers();
  for (const auto& buffer : after.network->named_buffers()) {
    EXPECT_TRUE(torch::equal(buffers[buffer.key()], buffer.value())) << buffer.key();
  }
}

TEST_F(Train, TheLossFalls) {
  auto objective = toy();
  settings_.steps = 60;
  const auto outcome = run(objective, settings_, "falls");
  EXPECT_LT(outcome.curve.back().loss, 0.7 * outcome.curve.front().loss);
}

TEST_F(Train, LearningRateFallsAtMilestones) {
  EXPECT_EQ(learning_rate_at(settings_, 11), 1e-2);
  EXPECT_EQ(learning_rate_at(settings_, 12), 5e-3);
}

TEST(FlatAdam, UpdatesAsTorchAdam) {
  torch::manual_seed(1);
  torch::nn::Linear ours(5, 3);
  torch::nn::Linear theirs(5, 3);
  {
    const torch::NoGradGuard no_grad;
    theirs->weight.copy_(ours->weight);
    theirs->bias.copy_(ours->bias);
  }
  FlatAdam flat(ours->parameters(), {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8});
  torch::optim::Adam adam(theirs->parameters(),
                          torch::optim::AdamOptions(1e-2).betas({0.9, 0.99}).eps(1e-8));
  for (int step = 0; step < 10; ++step) {
    const auto input = torch::rand({4, 5});
    flat.zero_grad();
    adam.zero_grad();
    ours->forward(input).square().sum().backward();
    theirs->forward(input).square().sum().backward();
    flat.step(1e-2);
    adam.step();
  }
  EXPECT_TRUE(torch::allclose(ours->weight, theirs->weight, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(ours->bias, theirs->bias, 1e-5, 1e-6));
}

TEST_F(Train, ANanLossEndsTheStage) {
  auto objective = toy();
  settings_.learning_rate = std::numeric_limits<double>::infinity();
  try {
    run(objective, settings_, "nan");
    FAIL() << "no error";
  } catch (const GangError& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidInput);
    EXPECT_NE(std::string(error.what()).find("loss is NaN"), std::string::npos);
  }
}

}  // namespace
}  // namespace reprise::worker
