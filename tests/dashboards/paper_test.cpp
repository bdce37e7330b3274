#include "dashboards/paper.h"

#include <gtest/gtest.h>

namespace reprise::dashboards {

TEST(Paper, HoldsThePublishedValues) {
  const auto value = paper_value("6", "E(1)", "PSNR");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->text, "33.26(3.4)");
  EXPECT_DOUBLE_EQ(value->mean, 33.26);
  EXPECT_FALSE(paper_value("6", "E(1)", "Karma"));
}

}  // namespace reprise::dashboards
