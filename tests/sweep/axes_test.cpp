#include "sweep/axes.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "sweep/study.h"
#include "tests/sweep/study_support.h"

namespace reprise::sweep {
namespace {

std::string axes_study(const std::string& trials) {
  return R"(schema = 1
name = "s"
[datasets.d]
importer = "phantom"
[trial]
dataset = "d"
[[trials]]
)" + trials;
}

std::vector<std::string> rows_of(const std::string& trials) {
  std::vector<std::string> rows;
  for (const TrialSpec& trial : parse_study(axes_study(trials), "s.toml").trials) {
    rows.push_back(trial.row);
  }
  return rows;
}

std::string axes_error(const std::string& trials) {
  return refusal_of([&] { return parse_study(axes_study(trials), "s.toml"); });
}

using Rows = std::vector<std::string>;

}  // namespace

TEST(Axes, AListHoldsWholeSettings) {
  const Study study = parse_study(
      axes_study(
          "list = [{row = \"A\", network = {window = 4}}, {row = \"B\", \"network.gff\" = true}]"),
      "s.toml");
  ASSERT_EQ(study.trials.size(), 2U);
  EXPECT_EQ(study.trials[0].name, "a");
  EXPECT_EQ(study.trials[0].network.at("window").as_int64(), 4);
  EXPECT_TRUE(study.trials[1].network.at("gff").as_bool());
  EXPECT_EQ(study.trials[1].network.at("window").as_int64(), 8);
}

TEST(Axes, AZipMovesInLockstep) {
  EXPECT_EQ(rows_of("row = \"{seed} {network.window}\"\n"
                    "zip = {seed = [1, 2], \"network.window\" = [4, 8]}"),
            (Rows{"1 4", "2 8"}));
  EXPECT_NE(axes_error("row = \"r\"\nzip = {seed = [1, 2], \"network.window\" = [4]}")
                .find("s.toml:9:42: trials[0].zip.network.window = a list: has 1 values"),
            std::string::npos);
}

TEST(Axes, AStarVariesOneAxisAtATime) {
  EXPECT_EQ(rows_of("row = \"r\"\nstar = {\"network.window\" = [2, 4], seed = [1, 2, 3]}"),
            (Rows{"r network.window=2", "r network.window=4", "r seed=1", "r seed=2", "r seed=3"}));
}

TEST(Axes, AxesOfSeveralKindsMultiply) {
  EXPECT_EQ(rows_of("row = \"{scale}{seed}\"\ngrid = {scale = [2, 4]}\nstar = {seed = [5, 6]}"),
            (Rows{"25", "26", "45", "46"}));
}

TEST(Axes, ConditionsKeepAndExclusionsDrop) {
  const std::string grid =
      "row = \"{samples}{seed}\"\ngrid = {samples = [2, 3, 4], seed = [1, 2]}\n";
  EXPECT_EQ(rows_of(grid + "exclude = [{samples = 3}, {samples = [2, 4], seed = 2}]"),
            (Rows{"21", "41"}));
  EXPECT_EQ(rows_of(grid + "when = {samples = {min = 3}, seed = 1}"), (Rows{"31", "41"}));
  EXPECT_EQ(axes_error(grid + "exclude = {seeed = 1}"),
            "s.toml:10:12: trials[0].exclude: unknown axis \"seeed\"; did you mean \"seed\"?");
  EXPECT_NE(axes_error(grid + "when = {samples = 5}")
                .find("s.toml:10:8: trials[0].when = a table: "
                      "leaves no combination"),
            std::string::npos);
}

TEST(Axes, SamplesAreRandomButAlwaysTheSame) {
  const std::string trials =
      "row = \"{seed} {network.width} {pretrain.learning_rate}\"\n"
      "sample = {count = 40, seed = 7, axes = {seed = [1, 2], \"network.width\" = {min = 12, max = "
      "60, multiple_of = 6}, \"pretrain.learning_rate\" = {min = 1e-5, max = 1e-3, log = true}}}";
  const Study study = parse_study(axes_study(trials), "s.toml");
  ASSERT_EQ(study.trials.size(), 40U);
  std::set<std::int64_t> widths;
  int low = 0;
  for (const TrialSpec& trial : study.trials) {
    const std::int64_t width = trial.network.at("width").as_int64();
    EXPECT_TRUE(width >= 12 && width <= 60 && width % 6 == 0) << width;
    widths.insert(width);
    const double rate = trial.pretrain.train.at("learning_rate").as_double();
    EXPECT_TRUE(rate >= 1e-5 && rate <= 1e-3) << rate;
    low += rate < 1e-4 ? 1 : 0;
  }
  EXPECT_GE(widths.size(), 7U);
  EXPECT_TRUE(low > 10 && low < 30) << low;  // Uniform in the logarithm: half of 40.
  EXPECT_EQ(rows_of(trials), rows_of(trials));
}

TEST(Axes, AMillionTrialsAreRefusedBeforeTheyAreMade) {
  std::string many = "[";
  for (int i = 0; i < 1000; ++i) many += std::to_string(i) + ",";
  const std::string error =
      axes_error("row = \"r\"\ngrid = {seed = " + many + "], samples = " + many + "]}");
  EXPECT_NE(error.find("s.toml:9:8: trials[0].grid = a table: 1000000 trials, at most 100000"),
            std::string::npos)
      << error;
}

TEST(Axes, AnAxisThatStandsTwiceIsRefused) {
  EXPECT_EQ(axes_error("row = \"r\"\ngrid = {seed = [1, 2]}\nzip = {seed = [3, 4]}"),
            "s.toml:9:17: trials[0]: the axis \"seed\" is given twice");
  EXPECT_NE(
      axes_error("row = \"r\"\nlist = [{seed = 1}]\nsample = {count = 2, axes = {seed = [1]}}")
          .find("is given twice"),
      std::string::npos);
}

TEST(Axes, AnAxisWithoutValuesOrOfNoSettingIsRefused) {
  EXPECT_NE(axes_error("row = \"r\"\ngrid = {seed = []}").find("s.toml:9:16: trials[0].grid.seed"),
            std::string::npos);
  EXPECT_EQ(axes_error("row = \"r\"\ngrid = {\"network.windw\" = [2]}"),
            "s.toml:9:28: trials[0].network.windw = 2: unknown key; did you mean \"window\"?");
}

}  // namespace reprise::sweep
