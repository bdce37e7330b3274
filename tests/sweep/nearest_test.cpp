#include "sweep/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace reprise::sweep {

TEST(NearestHint, OffersTheNearestName) {
  const std::vector<std::string> names = {"pretrain", "finetune", "unet"};
  EXPECT_EQ(nearest_hint("fintune", names), "; did you mean \"finetune\"?");
  EXPECT_EQ(nearest_hint("UNET", names), "; did you mean \"unet\"?");
}

TEST(NearestHint, ListsAllWhenNothingIsNear) {
  const std::vector<std::string> names = {"a", "b"};
  EXPECT_EQ(nearest_hint("completely-different", names), "; valid: a, b");
  EXPECT_EQ(nearest_hint("x", {}), "");
}

}  // namespace reprise::sweep
