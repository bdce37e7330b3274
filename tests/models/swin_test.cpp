#include "models/swin.h"

#include <gtest/gtest.h>

namespace reprise::models {

TEST(Swin, PartitionAndMergeAreInverse) {
  const torch::Tensor image = torch::arange(2 * 8 * 12 * 3).view({2, 8, 12, 3});
  const torch::Tensor windows = window_partition(image, 4);
  EXPECT_EQ(windows.sizes(), (std::vector<int64_t>{12, 16, 3}));
  EXPECT_TRUE(torch::equal(window_merge(windows, 4, 8, 12), image));
  // The second window of the first image starts at column 4.
  EXPECT_TRUE(torch::equal(windows[1][0], image[0][0][4]));
}

TEST(Swin, PositionIndexIsQueryMinusKey) {
  const torch::Tensor index = relative_position_index(2);
  EXPECT_EQ(index[0][0].item<int64_t>(), 4);  // The same pixel: the middle of the 3x3 table.
  EXPECT_EQ(index[0][3].item<int64_t>(), 0);
  EXPECT_EQ(index[3][0].item<int64_t>(), 8);
}

TEST(Swin, TheMaskPartsWhatTheShiftJoined) {
  const torch::Tensor mask = shift_mask(8, 8, 4, 2);
  EXPECT_EQ(mask.sizes(), (std::vector<int64_t>{4, 16, 16}));
  EXPECT_EQ(mask[0].abs().sum().item<float>(), 0);  // The first window was not torn.
  EXPECT_EQ(mask[3][0][15].item<float>(), -100);
  EXPECT_TRUE(torch::equal(mask, mask.transpose(1, 2)));
}

TEST(Swin, AShiftedLayerDoesNotLetOppositeEdgesMeet) {
  torch::manual_seed(1);
  SwinLayer layer(8, 2, 4, 2, 2, 8);
  const torch::Tensor x = torch::randn({1, 64, 8});
  torch::Tensor changed = x.clone();
  changed.slice(1, 56, 64).add_(1.0);  // The bottom row of an 8x8 image.
  const torch::Tensor difference =
      (layer(x, 8, 8) - layer(changed, 8, 8)).abs().sum(2).view({8, 8});
  EXPECT_LT(difference[0].max().item<float>(), 1e-5);
  EXPECT_GT(difference[6].max().item<float>(), 1e-4);
}

}  // namespace reprise::models
