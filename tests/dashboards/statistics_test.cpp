/// Expected values: SciPy 1.17.1, `scipy.stats.wilcoxon` and `scipy.stats.bootstrap` (BCa, 200,000
/// resamples, the spread of two seeds as tolerance).
#include "dashboards/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace reprise::dashboards {
namespace {

const std::vector<double> kPlain = {0.31, -0.12, 0.48,  0.05, 0.22, -0.07,
                                    0.36, 0.19,  -0.26, 0.41, 0.03, 0.14};
const std::vector<double> kSkewed = {0.1,  0.12, 0.08, 0.15, 0.2,  0.11,
                                     0.09, 1.4,  0.3,  0.13, 0.07, 0.95};

}  // namespace

TEST(WilcoxonTest, CountsSignPatternsOfFewValues) {
  const Wilcoxon result = wilcoxon(kPlain);
  EXPECT_TRUE(result.is_exact);
  EXPECT_EQ(result.statistic, 15);
  EXPECT_DOUBLE_EQ(result.p, 0.06396484375);
}

TEST(WilcoxonTest, TiesShareRanksAndZerosAreDropped) {
  // wilcoxon(x, method="asymptotic")
  const Wilcoxon result = wilcoxon({0.5, 0.5, -0.5, 1.0, 0, 2.0, -1.0, 1.5, 0.5, 3.0, -0.25, 0.75});
  EXPECT_FALSE(result.is_exact);
  EXPECT_EQ(result.count, 11U);
  EXPECT_EQ(result.statistic, 12);
  EXPECT_NEAR(result.p, 0.06046895392216552, 1e-12);
}

TEST(WilcoxonTest, ApproximatesForManyValues) {
  std::vector<double> values;
  for (int i = 1; i <= 60; ++i) values.push_back(std::sin(i * i) + 0.25);
  const Wilcoxon result = wilcoxon(values);
  EXPECT_FALSE(result.is_exact);
  EXPECT_EQ(result.statistic, 625);
  EXPECT_NEAR(result.p, 0.03277204956016548, 1e-12);
}

TEST(WilcoxonTest, EqualRowsAreEqual) {
  EXPECT_EQ(wilcoxon({0, 0, 0}).p, 1);
  EXPECT_EQ(wilcoxon({}).p, 1);
  EXPECT_EQ(wilcoxon({1}).p, 1);
}

TEST(Bootstrap, AgreesWithScipysBca) {
  const Interval plain = bootstrap_mean(kPlain, 0.95, 100'000, 1);
  EXPECT_NEAR(plain.low, 0.01583, 3e-3);
  EXPECT_NEAR(plain.high, 0.2621, 3e-3);
  // Skewed values: the percentile interval would be 0.120 to 0.563.
  const Interval skewed = bootstrap_mean(kSkewed, 0.95, 100'000, 1);
  EXPECT_NEAR(skewed.low, 0.1375, 3e-3);
  EXPECT_NEAR(skewed.high, 0.6604, 1e-2);
}

TEST(Bootstrap, IsDeterministicBySeed) {
  const Interval once = bootstrap_mean(kPlain, 0.95, 1000, 1);
  const Interval again = bootstrap_mean(kPlain, 0.95, 1000, 1);
  const Interval other = bootstrap_mean(kPlain, 0.95, 1000, 2);
  EXPECT_EQ(once.low, again.low);
  EXPECT_EQ(once.high, again.high);
  EXPECT_NE(once.low, other.low);
  EXPECT_EQ(bootstrap_mean({2, 2, 2}, 0.95, 10, 1).low, 2);
}

}  // namespace reprise::dashboards
