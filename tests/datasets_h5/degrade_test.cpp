#include "datasets_h5/degrade.h"

#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

TEST(Bicubic, QuarterUsesTheLiteralWeights) {
  // One row of 8: an impulse at each pixel shows the weight of that pixel in output 0 and 1.
  const float expected[] = {-3, 19, 19, -3};
  for (int i = 0; i < 8; ++i) {
    std::vector<float> row(8, 0.0F);
    row[i] = 32;
    const std::vector<float> out = bicubic_resize(row, 1, 1, 8, 1, 2);
    EXPECT_FLOAT_EQ(out[i / 4], expected[i % 4]);
    EXPECT_FLOAT_EQ(out[1 - i / 4], 0);
  }
}

TEST(Bicubic, QuarterIsSeparable) {
  std::vector<float> image(16, 0.0F);
  image[1 * 4 + 0] = 1024;  // Row weight 19/32, column weight -3/32.
  EXPECT_FLOAT_EQ(bicubic_resize(image, 1, 4, 4, 1, 1)[0], 19 * -3);
}

TEST(Bicubic, FourfoldUsesEighthsAndReplicatedBorders) {
  // At t = 1/8 (output 2 lies at 2.5/4 - 0.5) with a = -0.75.
  const std::vector<float> image{0, 512, 0, 0};
  const std::vector<float> out = bicubic_resize(image, 1, 1, 4, 1, 16);
  const double t = 0.125;
  EXPECT_NEAR(out[6], 512 * ((1.25 * t - 2.25) * t * t + 1), 1e-4);
  // Left of the first pixel both outer taps replicate it, so a constant stays one everywhere.
  const std::vector<float> flat = bicubic_resize(std::vector<float>(12, 7.0F), 1, 3, 4, 12, 16);
  for (const float value : flat) EXPECT_NEAR(value, 7, 1e-6);
}

TEST(Bicubic, ChannelsAreIndependentAndSameSizeIsIdentity) {
  const std::vector<float> images{1, 2, 3, 4, 50, 60, 70, 80};
  EXPECT_EQ(bicubic_resize(images, 2, 2, 2, 2, 2), images);
  const auto both = bicubic_resize(images, 2, 2, 2, 3, 5);
  const auto second = bicubic_resize(std::span(images).subspan(4), 1, 2, 2, 3, 5);
  EXPECT_EQ(std::vector<float>(both.begin() + 15, both.end()), second);
}

TEST(Bicubic, RefusesWrongSizes) {
  const std::vector<float> image(16);
  expect_error(ErrorCode::InvalidInput, "bicubic", [&] { bicubic_resize(image, 1, 4, 5, 1, 1); });
  expect_error(ErrorCode::InvalidInput, "bicubic", [&] { bicubic_resize(image, 1, 4, 4, 0, 1); });
}

}  // namespace
}  // namespace reprise::datasets::testing
