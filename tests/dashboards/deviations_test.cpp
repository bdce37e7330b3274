// What a report says about differences from the paper: nothing of the paper's own studies.
#include "dashboards/deviations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "sweep/study.h"

namespace reprise::dashboards {
namespace {

std::vector<SetupDeviation> deviations_of(const std::string& folder) {
  const sweep::Study study =
      sweep::load_study(std::filesystem::path(REPRISE_SOURCE_DIR) / "studies" / folder);
  std::map<std::string, std::string> digests;
  for (const sweep::DatasetSpec& spec : study.datasets) digests[spec.name] = "pending:" + spec.name;
  return setup_deviations(sweep::make_plan(study, digests));
}

}  // namespace

TEST(Deviations, ThePapersStudiesDifferInNetworksOnly) {
  for (const SetupDeviation& each : deviations_of("paper")) {
    // Fig. 8 varies RDST-E, Table 5 adds GFF.
    EXPECT_EQ(each.kind, "network rdst") << each.kind << " " << each.key << " " << each.paper;
  }
}

TEST(Deviations, ASmallScaleIsToldSettingBySetting) {
  const std::vector<SetupDeviation> all = deviations_of("mini");
  const auto found = std::find_if(all.begin(), all.end(), [](const SetupDeviation& each) {
    return each.kind == "pretrain" && each.key == "train.steps";
  });
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->paper, "100000");
  EXPECT_EQ(found->here, (std::set<std::string>{"200"}));
  EXPECT_EQ(found->stages, 54U);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const SetupDeviation& each) {
    return each.kind == "import-weights" && each.here.contains("random weights");
  }));
}

TEST(Deviations, ATablesValuesAreCountedAndTheFarthestNamed) {
  const auto cell = [](double mean, double paper, double std) {
    Cell made;
    made.mean = mean;
    made.paper_mean = paper;
    made.paper_std = std;
    made.paper = "p";
    made.metric = "PSNR";
    made.count = 3;
    return made;
  };
  Cell missing = cell(0, 1, 1);
  missing.mean.reset();
  const Table table{.name = "t",
                    .title = "T",
                    .columns = {"PSNR", "SSIM"},
                    .rows = {{"near", false, {cell(30, 31, 2), missing}},
                             {"far", false, {cell(10, 31, 2), Cell{}}}}};
  const ValueDeviation deviation = value_deviation(table);
  EXPECT_EQ(deviation.published, 3U);
  EXPECT_EQ(deviation.measured, 2U);
  EXPECT_EQ(deviation.with_std, 2U);
  EXPECT_EQ(deviation.within_std, 1U);
  EXPECT_EQ(deviation.largest.substr(0, 9), "far, PSNR");
}

}  // namespace reprise::dashboards
