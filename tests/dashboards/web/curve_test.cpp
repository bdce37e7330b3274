#include "dashboards/web/curve.h"

#include <gtest/gtest.h>

#include <cmath>

namespace reprise::dashboards::web {

TEST(Curve, ShortOnesStayAsTheyAre) {
  const std::vector<CurvePoint> points{{0, 1}, {1, 2}, {2, 3}};
  EXPECT_EQ(downsample(points, 3), points);
  EXPECT_TRUE(downsample({}, 10).empty());
}

TEST(Curve, KeepsEndsOrderAndASpike) {
  std::vector<CurvePoint> points;
  for (int i = 0; i < 100'000; ++i) points.emplace_back(i, std::sin(i / 5000.0));
  points[43'210].second = 50;
  for (const std::size_t count : {3U, 10U, 400U, 99'999U}) {
    const auto kept = downsample(points, count);
    ASSERT_EQ(kept.size(), count);
    EXPECT_EQ(kept.front(), points.front());
    EXPECT_EQ(kept.back(), points.back());
    bool spike = false;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (i > 0) {
        EXPECT_LT(kept[i - 1].first, kept[i].first);
      }
      spike = spike || kept[i].second == 50;
    }
    EXPECT_TRUE(spike);
  }
}

}  // namespace reprise::dashboards::web
