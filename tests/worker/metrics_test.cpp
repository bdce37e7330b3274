#include "worker/metrics.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace reprise::worker
