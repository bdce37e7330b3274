#include "worker/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "worker/noise.h"

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

TEST(Sampling, NoiseOfManySamplesIsThatOfEach) {
  const auto all = noise_on_device(9, (std::int64_t{1} << 33) + 5, 3, {4, 2, 50, 30}, torch::kCPU);
  for (std::int64_t at = 0; at < 4; ++at) {
    auto one = pick_noise(9, (std::int64_t{1} << 33) + 5, 3 + at, 3000);
    EXPECT_TRUE(torch::allclose(all[at], torch::from_blob(one.data(), {2, 50, 30}), 1e-5, 1e-6));
  }
}

TEST(Sampling, TurnsAreUniformOverWhatIsAllowed) {
  const auto seen = [](bool flips, bool rotations) {
    std::map<std::int64_t, int> hits;
    for (std::int64_t step = 0; step < 4000; ++step)
      ++hits[pick_turn(5, step, 1, flips, rotations)];
    return hits;
  };
  EXPECT_EQ(seen(false, false).size(), 1U);
  EXPECT_TRUE(seen(false, false).contains(0));
  for (const auto& [flips, rotations, count] :
       {std::tuple(true, false, 4), std::tuple(false, true, 4), std::tuple(true, true, 8)}) {
    const auto hits = seen(flips, rotations);
    EXPECT_EQ(hits.size(), count);
    for (const auto& [turn, times] : hits) EXPECT_NEAR(times, 4000.0 / count, 400.0 / 2) << turn;
  }
  for (const auto& [turn, times] : seen(false, true)) {
    // A rotation: the image of (row, column) axes has determinant 1.
    const bool swapped = (turn & 4) != 0;
    const bool mirrored_once = ((turn & 1) != 0) != ((turn & 2) != 0);
    EXPECT_EQ(swapped, mirrored_once) << turn << " " << times;
  }
}

}  // namespace
}  // namespace reprise::worker
