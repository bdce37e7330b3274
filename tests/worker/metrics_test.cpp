#include "worker/metrics.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "models/safetensors.h"
#include "worker/frechet.h"
#include "worker/resample.h"

namespace reprise::worker {
namespace {

TEST(Metrics, PsnrByHand) {
  const auto truth = torch::zeros({1, 10, 10});
  auto image = truth + 0.1;
  image[0][0][0] = 9;  // Cut away.
  EXPECT_NEAR(psnr(image, truth, 1), 20, 1e-5);
}

TEST(Metrics, DiceByHand) {
  const auto truth = torch::tensor({0, 1, 1, 2});
  const auto predicted = torch::tensor({0, 1, 2, 2});
  EXPECT_NEAR(dice(predicted, truth, {.name = "1", .labels = {1}}), 2.0 / 3, 1e-6);
  EXPECT_NEAR(dice(predicted, truth, {.name = "2", .labels = {2}}), 2.0 / 3, 1e-6);
  EXPECT_EQ(dice(predicted, truth, {.name = "3", .labels = {3}}), 1);  // Absent from both.
  EXPECT_NEAR(dice(predicted, truth, {.name = "T", .labels = {1, 2, 3}, .exact = true}), 4.0 / 6,
              1e-6);
  EXPECT_EQ(dice(predicted, truth, {.name = "WT", .labels = {1, 2, 3}}), 1);
}

class Golden : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = std::filesystem::path(REPRISE_GOLDEN_DIR);
    if (!std::filesystem::exists(folder / "metrics.safetensors")) GTEST_SKIP() << "no golden data";
    metrics_ = models::read_safetensors(folder / "metrics.safetensors");
    bicubic_ = models::read_safetensors(folder / "bicubic.safetensors");
  }
  models::TensorFile metrics_;
  models::TensorFile bicubic_;
};

TEST_F(Golden, PsnrAndSsim) {
  for (const std::string name : {"a", "b", "c"}) {
    const auto images = metrics_.tensors.at("in.sr." + name).permute({0, 3, 1, 2});
    const auto truths = metrics_.tensors.at("in.gt." + name).permute({0, 3, 1, 2});
    for (const int64_t margin : {0, 4}) {
      const auto key = name + ".margin" + std::to_string(margin);
      for (int64_t at = 0; at < images.size(0); ++at) {
        EXPECT_NEAR(psnr(images[at], truths[at], margin),
                    metrics_.tensors.at("out.psnr." + key)[at].item<double>(), 1e-9)
            << key;
        EXPECT_NEAR(ssim(images[at], truths[at], margin),
                    metrics_.tensors.at("out.ssim." + key)[at].item<double>(), 1e-6)
            << key;
      }
    }
  }
}

TEST_F(Golden, Dice) {
  const auto truth = metrics_.tensors.at("in.label_gt");
  const auto predicted = metrics_.tensors.at("in.label_pred");
  const LabelRegion all{.name = "T", .labels = {1, 2, 3}, .exact = true};
  const std::vector<LabelRegion> tumour = {{.name = "WT", .labels = {1, 2, 3}},
                                           {.name = "ET", .labels = {3}},
                                           {.name = "TC", .labels = {1, 3}}};
  const auto expected = [&](const std::string& key, int64_t at) {
    return metrics_.tensors.at("out.dice" + key)[at];
  };
  for (int64_t at = 0; at < truth.size(0); ++at) {
    for (int label = 1; label <= 3; ++label) {
      EXPECT_NEAR(dice(predicted[at], truth[at], {.name = "", .labels = {label}}),
                  expected("_per_slice", at)[label - 1].item<double>(), 1e-12);
    }
    EXPECT_NEAR(dice(predicted[at], truth[at], all), expected("T_per_slice", at).item<double>(),
                1e-12);
    for (const auto& region : tumour) {
      EXPECT_NEAR(dice(predicted[at], truth[at], region),
                  expected(region.name + "_per_slice", at).item<double>(), 1e-12)
          << region.name;
    }
  }
  EXPECT_NEAR(dice(predicted, truth, all), expected("T_volume", 0).item<double>(), 1e-12);
}

TEST_F(Golden, FrechetDistance) {
  for (const std::string name : {"full", "low"}) {
    // "low" has singular covariances: only the eigenvalue form is exact there.
    EXPECT_NEAR(frechet_distance(metrics_.tensors.at("in.feat1." + name),
                                 metrics_.tensors.at("in.feat2." + name)),
                metrics_.tensors.at("out.frechet_eig." + name)[0].item<double>(), 1e-6)
        << name;
  }
}

TEST_F(Golden, BicubicBothWays) {
  for (const std::string name : {"a", "b", "c"}) {
    const auto image = bicubic_.tensors.at("in.x." + name).permute({2, 0, 1}).to(torch::kFloat32);
    const auto down = bicubic_.tensors.at("out.down4." + name).permute({2, 0, 1});
    const auto up = bicubic_.tensors.at("out.up4." + name).permute({2, 0, 1});
    EXPECT_TRUE(torch::allclose(degrade(image, 4), down.to(torch::kFloat32), 0, 1e-5));
    EXPECT_TRUE(torch::allclose(resample(down.to(torch::kFloat32), image.size(1), image.size(2)),
                                up.to(torch::kFloat32), 0, 1e-5));
  }
}

}  // namespace
}  // namespace reprise::worker
