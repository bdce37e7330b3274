#include "worker/train.h"

#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/pixelshuffle.h>
#include <torch/optim/adam.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "models/kernels/kernel_set.h"
#include "models/layers.h"
#include "tests/worker/mpi_main.h"
#include "worker/gang_error.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

/// A small network; `with_state`: with batch norm (buffers) and dropout (random numbers).
Objective toy(bool with_state = true) {
  torch::manual_seed(4);
  torch::nn::Sequential network(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 8, 3).padding(1)));
  if (with_state) network->push_back(torch::nn::BatchNorm2d(8));
  network->push_back(torch::nn::ReLU());
  if (with_state) network->push_back(torch::nn::Dropout2d(0.1));
  network->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(8, 16, 3).padding(1)));
  network->push_back(torch::nn::PixelShuffle(4));
  Objective objective;
  objective.network = network.ptr();
  objective.output = [network](const Batch& batch) mutable { return network->forward(batch.lr); };
  objective.loss_share = [](const torch::Tensor& output, const Batch& batch) {
    return torch::l1_loss(output, batch.hr);
  };
  objective.adam.beta2 = 0.99;
  return objective;
}

/// Adds a critic that is trained to tell the output from the truth.
Objective with_critic(Objective objective, std::int64_t steps) {
  torch::nn::Sequential judge(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 4, 5).stride(4)),
                              torch::nn::ReLU(), torch::nn::Flatten(), torch::nn::Linear(196, 1));
  Critic critic;
  critic.network = judge.ptr();
  critic.loss_share = [judge](const torch::Tensor& output, const Batch& batch,
                              std::int64_t) mutable {
    return judge->forward(output).mean() - judge->forward(batch.hr).mean();
  };
  critic.adam = {.beta1 = 0, .beta2 = 0.9};
  critic.learning_rate = 1e-3;
  critic.steps = steps;
  objective.critic = critic;
  const auto plain = objective.loss_share;
  objective.loss_share = [plain, judge](const torch::Tensor& output, const Batch& batch) mutable {
    return plain(output, batch) - 0.1 * judge->forward(output).mean();
  };
  return objective;
}

void expect_equal(const torch::nn::Module& a, const torch::nn::Module& b) {
  const auto parameters = a.named_parameters();
  for (const auto& parameter : b.named_parameters()) {
    EXPECT_TRUE(torch::equal(parameters[parameter.key()], parameter.value())) << parameter.key();
  }
  const auto buffers = a.named_buffers();
  for (const auto& buffer : b.named_buffers()) {
    EXPECT_TRUE(torch::equal(buffers[buffer.key()], buffer.value())) << buffer.key();
  }
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
                   std::int64_t stop_after = std::numeric_limits<std::int64_t>::max(),
                   const std::function<double()>& score = {}) {
    const BatchMaker batches(
        slices_, {.batch = 4, .parts = settings.accumulate, .hr_patch = 32, .scale = 4, .seed = 3},
        0, 1, torch::kCPU);
    const auto collective = make_collective(test_mpi(), torch::kCPU);
    StageHooks hooks;
    std::int64_t asked = 0;
    hooks.stop_requested = [&] { return ++asked >= stop_after; };
    return train(objective, batches, settings, CheckpointStore(folder_ / name), *collective, hooks,
                 score);
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
  expect_equal(*whole.network, *after.network);
}

TEST_F(Train, ResumesBitForBitWithACriticPartsAndValidation) {
  settings_.accumulate = 2;
  settings_.validation = {.every = 4, .patience = 4};
  const auto score_of = [&](Objective& objective) {
    return [&] {
      const torch::NoGradGuard no_grad;
      const auto lr = torch::full({1, 1, 8, 8}, 0.5);
      return objective.output({.hr = {}, .lr = lr, .labels = {}}).mean().item<double>();
    };
  };
  auto whole = with_critic(toy(), 2);
  const auto straight = run(whole, settings_, "whole", 1000, score_of(whole));
  for (const std::int64_t stop : {3, 8, 11}) {
    const std::string name = "parts" + std::to_string(stop);
    auto before = with_critic(toy(), 2);
    EXPECT_FALSE(run(before, settings_, name, stop, score_of(before)).finished);
    auto after = with_critic(toy(), 2);
    const auto resumed = run(after, settings_, name, 1000, score_of(after));
    EXPECT_EQ(resumed.resumed_from, stop);
    expect_equal(*whole.network, *after.network);
    expect_equal(*whole.critic->network, *after.critic->network);
    ASSERT_EQ(straight.validation.size(), resumed.validation.size());
    for (std::size_t at = 0; at < straight.validation.size(); ++at) {
      EXPECT_EQ(straight.validation[at].loss, resumed.validation[at].loss);
    }
  }
}

TEST_F(Train, ADamagedCheckpointMeansTheOneBeforeAndTheSameEnd) {
  auto whole = toy();
  (void)run(whole, settings_, "whole");
  auto before = toy();
  (void)run(before, settings_, "parts", 12);  // Checkpoints of steps 10 and 12.
  std::fstream file(folder_ / "parts" / "step-00000012.safetensors",
                    std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-1, std::ios::end);
  file.put('\x5a');
  file.close();
  auto after = toy();
  const auto resumed = run(after, settings_, "parts");
  EXPECT_EQ(resumed.resumed_from, 10);
  ASSERT_EQ(resumed.warnings.size(), 1U);
  EXPECT_NE(resumed.warnings[0].find("bytes do not match"), std::string::npos);
  expect_equal(*whole.network, *after.network);
}

TEST_F(Train, PartsAddUpToTheBatch) {
  auto whole = toy(false);
  (void)run(whole, settings_, "whole");
  settings_.accumulate = 4;
  auto parts = toy(false);
  (void)run(parts, settings_, "parts");
  const auto expected = whole.network->named_parameters();
  for (const auto& parameter : parts.network->named_parameters()) {
    EXPECT_TRUE(torch::allclose(expected[parameter.key()], parameter.value(), 1e-3, 1e-4))
        << parameter.key();
  }
}

TEST_F(Train, EarlyStoppingKeepsTheBestWeights) {
  settings_.validation = {.every = 2, .patience = 3};
  auto objective = toy();
  torch::Tensor best;
  int points = 0;
  const auto score = [&] {  // Best at the second point, step 4.
    if (++points == 2) best = objective.network->parameters()[0].detach().clone();
    return points == 2 ? 1.0 : 0.5;
  };
  const auto outcome = run(objective, settings_, "early", 1000, score);
  EXPECT_TRUE(outcome.finished);
  EXPECT_EQ(outcome.step, 10);
  EXPECT_EQ(outcome.best_step, 4);
  EXPECT_EQ(outcome.validation.size(), 5U);
  EXPECT_EQ(outcome.curve.back().step, 10);
  EXPECT_TRUE(torch::equal(objective.network->parameters()[0], best));
}

TEST_F(Train, Bfloat16ComesCloseToFloat32) {
  auto exact = toy(false);
  const auto precise = run(exact, settings_, "fp32");
  settings_.precision = Precision::Bf16;
  auto coarse = toy(false);
  const auto rounded = run(coarse, settings_, "bf16");
  EXPECT_NE(precise.curve.back().loss, rounded.curve.back().loss);
  EXPECT_NEAR(precise.curve.back().loss, rounded.curve.back().loss, 0.02);
  EXPECT_EQ(coarse.network->parameters()[0].scalar_type(), torch::kFloat32);
  EXPECT_TRUE(precise.warnings.empty());
  EXPECT_EQ(rounded.warnings.size(), models::kernels::has_avx512() ? 0U : 1U);
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
    flat.gather_gradients();
    flat.step(1e-2);
    adam.step();
  }
  EXPECT_TRUE(torch::allclose(ours->weight, theirs->weight, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(ours->bias, theirs->bias, 1e-5, 1e-6));
}

/// The error of a run whose loss is multiplied by `factor` at step 3; the weights stay as they
/// were before the step.
std::string divergence(Objective objective,
                       const std::function<torch::Tensor(torch::Tensor)>& spoil,
                       const std::function<void(Objective&)>& run) {
  const auto plain = objective.loss_share;
  torch::Tensor before;
  auto network = objective.network;
  objective.loss_share = [&](const torch::Tensor& output, const Batch& batch) {
    if (batch.step != 3) return plain(output, batch);
    before = network->parameters()[0].detach().clone();
    return spoil(plain(output, batch));
  };
  try {
    run(objective);
  } catch (const GangError& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidInput);
    EXPECT_TRUE(torch::equal(network->parameters()[0], before));
    return error.what();
  }
  return "no error";
}

TEST_F(Train, DivergenceIsFoundInItsStepAndNamesTheBatch) {
  const auto go = [&](Objective& objective) { run(objective, settings_, "nan"); };
  const std::string loss = divergence(toy(), [](const auto& x) { return x / 0; }, go);
  EXPECT_EQ(loss.rfind("loss is NaN or infinite at step 3 (batch: slice ", 0), 0U) << loss;
  // A finite loss whose gradient is not: the square root's slope at 0.
  const std::string slope =
      divergence(toy(), [](const auto& x) { return x + (x - x.detach()).sqrt(); }, go);
  EXPECT_EQ(slope.rfind("gradient of the loss is NaN or infinite at step 3", 0), 0U) << slope;
}

}  // namespace
}  // namespace reprise::worker
