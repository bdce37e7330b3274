#include "worker/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/worker/mpi_main.h"
#include "worker/frechet.h"
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
    task_.regions = {{.name = "T", .labels = {1, 2}, .exact = true},
                     {.name = "G", .labels = {1}},
                     {.name = "W", .labels = {2}}};
    task_.channels = {"1"};
    task_.subject = {0, 0, 1};
  }

  std::map<std::string, std::vector<double>> run() {
    const auto collective = make_collective(test_mpi(), torch::kCPU);
    auto outcome = evaluate(task_, *collective, {});
    EXPECT_TRUE(outcome.finished);
    samples_ = std::move(outcome.samples);
    return {outcome.values.begin(), outcome.values.end()};
  }

  EvaluateTask task_;
  std::map<std::string, torch::Tensor> samples_;  ///< Of the last run.
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

TEST_F(Evaluate, SeveralChannelsAreAlsoJudgedOneByOne) {
  task_.slices.images = torch::rand({3, 2, 40, 24});
  task_.channels = {"T1", "T2"};
  task_.method = [](const torch::Tensor& lr) { return resample(lr, 40, 24); };
  const auto values = run();
  const auto hr = task_.slices.images.narrow(0, 2, 1);
  const auto expected = resample(degrade(hr, 4), 40, 24);
  EXPECT_EQ(values.at("PSNR-T2")[2], psnr(expected[0].narrow(0, 1, 1), hr[0].narrow(0, 1, 1), 4));
  EXPECT_EQ(values.at("SSIM-T1")[2], ssim(expected[0].narrow(0, 0, 1), hr[0].narrow(0, 0, 1), 4));
}

TEST_F(Evaluate, KeepsSamplesEvenlySpaced) {
  EXPECT_EQ(sampled_slices(100, 4), (std::vector<std::int64_t>{12, 37, 62, 87}));
  EXPECT_EQ(sampled_slices(2, 4), (std::vector<std::int64_t>{0, 1}));
  EXPECT_TRUE(sampled_slices(5, 0).empty());
  task_.method = [](const torch::Tensor& lr) { return resample(lr, 40, 24); };
  task_.segment = [](const torch::Tensor& image) {
    return torch::cat({image, 1 - image}, 1);  // Class 1 where it is dark.
  };
  task_.samples = 1;
  (void)run();
  const auto hr = task_.slices.images.narrow(0, 1, 1);
  const auto sr = resample(degrade(hr, 4), 40, 24);
  EXPECT_EQ(samples_.at("slice").item<int64_t>(), 1);
  EXPECT_TRUE(torch::equal(samples_.at("hr"), hr));
  EXPECT_TRUE(torch::equal(samples_.at("lr"), degrade(hr, 4)));
  EXPECT_TRUE(torch::equal(samples_.at("sr"), sr));
  EXPECT_TRUE(torch::equal(samples_.at("label"), task_.slices.labels.narrow(0, 1, 1)));
  EXPECT_TRUE(torch::equal(samples_.at("prediction"), sr.lt(0.5).squeeze(1).to(torch::kUInt8)));
  EXPECT_TRUE(torch::equal(samples_.at("prediction_hr"), hr.lt(0.5).squeeze(1).to(torch::kUInt8)));
}

TEST_F(Evaluate, FidStandsAtTheFirstSliceOfASubject) {
  task_.slices.images = torch::rand({5, 1, 40, 24});
  task_.slices.labels = torch::zeros({5, 40, 24}, torch::kUInt8);
  task_.subject = {0, 0, 0, 1, 2};  // One slice has no covariance: no value for 1 and 2.
  task_.method = [](const torch::Tensor& lr) { return resample(lr, 40, 24); };
  task_.features = [](const torch::Tensor& image) {
    EXPECT_EQ(image.size(2), 32);  // The border is cut.
    return image.flatten(1).narrow(1, 0, 7);
  };
  const auto values = run().at("FID");
  const auto cut = [](const torch::Tensor& image) {
    return image.narrow(2, 4, 32).narrow(3, 4, 16).flatten(1).narrow(1, 0, 7);
  };
  const auto hr = task_.slices.images.narrow(0, 0, 3);
  EXPECT_NEAR(values[0], frechet_distance(cut(resample(degrade(hr, 4), 40, 24)), cut(hr)), 1e-9);
  for (const int at : {1, 2, 3, 4}) EXPECT_TRUE(std::isnan(values[at]));
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
