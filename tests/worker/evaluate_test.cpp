#include "worker/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/worker/mpi_main.h"
#include "worker/metrics.h"
#include "worker/resample.h"

namespace reprise::worker {
namespace {

class Evaluate : public testing::Test {
 protected:
  Evaluate() {
    torch::manual_seed(2);
    task_.slices.images = torch::rand({3, 1, 40, 24});
    task_.slices.labels = torch::zeros({3, 40, 24}, torch::kUInt8);
    task_.slices.labels.narrow(1, 0, 8).fill_(1);
    task_.scale = 4;
    task_.label_names = {"G", "W"};
  }

  std::map<std::string, std::vector<double>> run() {
    const auto collective = make_collective(test_mpi(), torch::kCPU);
    const auto outcome = evaluate(task_, *collective, {});
    EXPECT_TRUE(outcome.finished);
    return {outcome.values.begin(), outcome.values.end()};
  }

  EvaluateTask task_;
};

TEST_F(Evaluate, JudgesTheMethodsOutputOfEverySlice) {
  task_.method = [](const torch::Tensor& lr) {
    EXPECT_EQ(lr.sizes(), torch::IntArrayRef({1, 1, 10, 6}));
    return resample(lr, 40, 24);
  };
  const auto values = run();
  ASSERT_EQ(values.at("PSNR").size(), 3);
  const auto& hr = task_.slices.images;
  const auto expected = resample(degrade(hr.narrow(0, 1, 1), 4), 40, 24);
  EXPECT_EQ(values.at("PSNR")[1], psnr(expected[0], hr[1], 4));
  EXPECT_EQ(values.at("SSIM")[1], ssim(expected[0], hr[1], 4));
  EXPECT_FALSE(values.contains("Dice-T"));
}

TEST_F(Evaluate, WithoutAMethodTheTruthIsJudged) {
  // A segmenter that is right about every pixel, of slices padded to multiples of 32.
  task_.segment = [](const torch::Tensor& image) {
    EXPECT_EQ(image.sizes(), torch::IntArrayRef({1, 1, 64, 32}));
    auto logits = torch::zeros({1, 3, 64, 32});
    logits.select(1, 0).narrow(1, 8, 56).fill_(1);
    logits.select(1, 1).narrow(1, 0, 8).fill_(1);
    return logits;
  };
  const auto values = run();
  EXPECT_TRUE(std::isnan(values.at("PSNR")[0]));
  EXPECT_EQ(values.at("Dice-T")[0], 1);
  EXPECT_EQ(values.at("Dice-G")[2], 1);
  EXPECT_EQ(values.at("Dice-W")[2], 1);  // Absent from both.
}

TEST_F(Evaluate, NoiseIsAFunctionOfSeedAndSlice) {
  task_.method = [](const torch::Tensor& lr) { return resample(lr, 40, 24); };
  const auto clean = run();
  task_.noise = 0.1;
  task_.seed = 1;
  const auto noisy = run();
  EXPECT_EQ(noisy.at("PSNR"), run().at("PSNR"));
  EXPECT_NE(noisy.at("PSNR"), clean.at("PSNR"));
  task_.seed = 2;
  EXPECT_NE(noisy.at("PSNR"), run().at("PSNR"));
}

TEST_F(Evaluate, StopsOnRequestWithoutValues) {
  task_.method = [](const torch::Tensor& lr) { return resample(lr, 40, 24); };
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  StageHooks hooks;
  int rounds = 0;
  hooks.stop_requested = [&] { return ++rounds == 2; };
  const auto outcome = evaluate(task_, *collective, hooks);
  EXPECT_FALSE(outcome.finished);
  EXPECT_TRUE(outcome.values.empty());
}

}  // namespace
}  // namespace reprise::worker
