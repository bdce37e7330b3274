#include "dashboards/compare.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sweep/error.h"
#include "tests/support/temp_dir.h"

namespace reprise::dashboards {
namespace {

class Compare : public ::testing::Test {
 protected:
  /// Makes a stage whose result has `rows` (JSON).
  std::string stage(const std::string& label, const std::string& rows) {
    sweep::Stage made;
    made.kind = sweep::StageKind::Evaluate;
    made.config = {{"label", label}};
    made.dataset = "d";
    made.dataset_digest = std::string(64, 'a');
    made.label = label;
    made.id = sweep::stage_id(made);
    sweep::Plan plan;
    plan.study = label;
    plan.stages = {made};
    store_.put_plan(plan, "");
    if (rows.empty()) return made.id;
    const auto fence = store_.begin_attempt(made.id, "g", "h", "cpu", 1);
    EXPECT_TRUE(store_.commit_result(made.id, fence, {{"rows", boost::json::parse(rows)}}));
    return made.id;
  }

  testing::TempDir folder_;
  db::Store store_{folder_.path() / "reprise.db", db::Access::ReadWrite};
};

}  // namespace

TEST_F(Compare, PairsSlicesAndSubjects) {
  const std::string a = stage("a", R"({"subjects": ["p", "q"], "subject": [0, 0, 1],
      "slice": [0, 1, 0], "values": {"PSNR": [30, 31, 32], "FID": [5, null, 6], "only": [1, 1, 1]}})");
  // Another order of subjects, and a slice less.
  const std::string b = stage("b", R"({"subjects": ["q", "p"], "subject": [0, 1],
      "slice": [0, 0], "values": {"PSNR": [33, 30.5], "FID": [null, 4]}})");
  const auto found = compare(store_, a, b, {});
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].metric, "PSNR");
  EXPECT_EQ(found[0].unit, "slices");
  EXPECT_EQ(found[0].count, 2U);
  EXPECT_DOUBLE_EQ(found[0].mean_a, 31);
  EXPECT_DOUBLE_EQ(found[0].difference, 0.75);
  EXPECT_EQ(found[1].metric, "FID");
  EXPECT_EQ(found[1].count, 1U);  // Both have it for subject p only.
  EXPECT_EQ(found[1].interval.low, -1);
  EXPECT_EQ(found[2].unit, "subjects");
  const std::string text = render_comparison(found, "A", "B");
  EXPECT_NE(text.find("| PSNR | 2 slices | 31.000 | 31.750 | +0.750 |"), std::string::npos) << text;
  EXPECT_NE(text.find("| FID | 1 slice | 5.000 | 4.000 | -1.000 | – | – |"), std::string::npos)
      << text;
  EXPECT_EQ(comparison_json(found, "A", "B").at("comparisons").as_array().size(), 4U);
}

TEST_F(Compare, AStageWithoutAResultIsRefused) {
  const std::string a = stage("a", "");
  EXPECT_THROW((void)compare(store_, a, a, {}), Error);
}

}  // namespace reprise::dashboards
