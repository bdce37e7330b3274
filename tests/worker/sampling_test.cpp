#include "worker/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace reprise::worker {
namespace {

TEST(Sampling, PhiloxKnowsItsReferenceVectors) {
  // From the Random123 distribution: counter and key all zero, and all ones.
  const std::array<std::uint32_t, 4> zeros{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  EXPECT_EQ(philox(0, 0, 0, 0), zeros);
  const std::array<std::uint32_t, 4> ones{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  EXPECT_EQ(philox(~0ULL, ~0ULL, ~0U, ~0U), ones);
}

TEST(Sampling, SlicesOfABatchDiffer) {
  for (std::int64_t step = 0; step < 50; ++step) {
    const auto picked = pick_slices(7, step, 32, 40);
    EXPECT_EQ(std::set<std::int64_t>(picked.begin(), picked.end()).size(), 32U);
    for (const auto slice : picked) EXPECT_TRUE(slice >= 0 && slice < 40);
  }
}

TEST(Sampling, SlicesAreUniform) {
  std::vector<int> hits(10);
  for (std::int64_t step = 0; step < 5000; ++step) {
    for (const auto slice : pick_slices(3, step, 4, 10)) ++hits[slice];
  }
  for (const int count : hits) EXPECT_NEAR(count, 2000, 200);
}

TEST(Sampling, ABatchLargerThanTheSetRepeatsEvenly) {
  std::vector<int> hits(5);
  for (const auto slice : pick_slices(1, 2, 12, 5)) ++hits[slice];
  for (const int count : hits) EXPECT_TRUE(count == 2 || count == 3);
}

TEST(Sampling, CropsReachEveryOffsetAndNoOther) {
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  for (std::int64_t step = 0; step < 2000; ++step) {
    const auto crop = pick_crop(5, step, 0, 3, 2);
    seen.insert({crop.top, crop.left});
    ASSERT_TRUE(crop.top >= 0 && crop.top <= 3 && crop.left >= 0 && crop.left <= 2);
  }
  EXPECT_EQ(seen.size(), 12U);
}

TEST(Sampling, DrawsDependOnEveryArgument) {
  const auto base = draw(1, 2, 3, Purpose::Slice);
  EXPECT_EQ(base, draw(1, 2, 3, Purpose::Slice));
  EXPECT_NE(base, draw(2, 2, 3, Purpose::Slice));
  EXPECT_NE(base, draw(1, 3, 3, Purpose::Slice));
  EXPECT_NE(base, draw(1, 2, 4, Purpose::Slice));
  EXPECT_NE(base, draw(1, 2, 3, Purpose::Crop));
}

TEST(Sampling, NoiseIsStandardNormal) {
  const auto noise = pick_noise(9, 1, 4, 20001);
  double sum = 0;
  double squares = 0;
  for (const double value : noise) {
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 20001, 0, 0.03);
  EXPECT_NEAR(squares / 20001, 1, 0.05);
}

}  // namespace
}  // namespace reprise::worker
