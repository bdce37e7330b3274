#include "dashboards/web/api.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>

#include "sweep/cost_model.h"
#include "sweep/error.h"
#include "tests/dashboards/web/support.h"

namespace reprise::dashboards::web {
namespace {

class ApiTest : public ::testing::Test {
 protected:
  TempDir folder_;
  sweep::Plan plan_ = small_plan();
  db::Store store_{folder_.path() / "reprise.db", db::Access::ReadWrite};

  void SetUp() override { store_.put_plan(plan_, "no study file"); }
  StudyView view() { return std::move(*load_study_view(store_, "small")); }
};

}  // namespace

TEST_F(ApiTest, SummaryCountsStatesAndWhatSharingSaves) {
  finish(store_, plan_.stages[0].id, training_body());
  finish(store_, plan_.stages[2].id, evaluation_body(30));
  const auto fence = store_.begin_attempt(plan_.stages[1].id, "local-1", "h", "cpu", 2);
  const auto running = study_summary(view());
  EXPECT_EQ(running.at("trials").at("done"), 1);
  EXPECT_EQ(running.at("trials").at("running"), 1);
  EXPECT_EQ(running.at("running").as_array().size(), 1U);
  // The pretraining's 100 steps are needed by both trials.
  EXPECT_EQ(running.at("steps").at("total"), 122);
  EXPECT_EQ(running.at("steps").at("alone"), 222);
  EXPECT_EQ(running.at("steps").at("done"), 101);
  EXPECT_TRUE(running.at("seconds").at("left").is_null());  // Nothing was measured.

  store_.end_attempt(fence, "failed", "out of luck");
  const auto failed = study_summary(view());
  EXPECT_EQ(failed.at("trials").at("failed"), 1);
  ASSERT_EQ(failed.at("problems").as_array().size(), 1U);
  EXPECT_EQ(failed.at("problems").at(0).at("message"), "out of luck");
}

TEST_F(ApiTest, TimeLeftIsReckonedFromWhatLikeStagesTook) {
  auto body = training_body();
  body["provenance"] = {
      {"seconds", 50}, {"steps_per_second", 2}, {"threads", 1}, {"cost", {{"wall_seconds", 51}}}};
  finish(store_, plan_.stages[0].id, body);
  // The fine-tuning of 20 steps is modelled as slow as the pretraining, which took half a second a
  // step and one to start; no evaluation was measured.
  const double evaluation = sweep::CostModel("cpu").step_seconds(plan_.stages[2]);
  EXPECT_DOUBLE_EQ(study_summary(view()).at("seconds").at("left").to_number<double>(),
                   1 + 20 * 0.5 + 2 * evaluation);
}

TEST_F(ApiTest, TrialsCarryTheirMeansAndStates) {
  finish(store_, plan_.stages[0].id, training_body());
  finish(store_, plan_.stages[2].id, evaluation_body(30));
  const auto shown = view();
  const auto trials = study_trials(
      shown, {store_.metric_summaries(plan_.stages[2].id), store_.metric_summaries("none")});
  EXPECT_EQ(trials.at("metrics"), boost::json::array{"PSNR"});
  const auto& first = trials.at("trials").at(0);
  EXPECT_EQ(first.at("state"), "done");
  EXPECT_DOUBLE_EQ(first.at("metrics").at(0).at(0).to_number<double>(), 31);
  EXPECT_NEAR(first.at("metrics").at(0).at(1).to_number<double>(), std::sqrt(2.0 / 3), 1e-9);
  EXPECT_TRUE(trials.at("trials").at(1).at("metrics").at(0).is_null());
  EXPECT_EQ(trials.at("trials").at(1).at("state"), "waiting");
}

TEST_F(ApiTest, ProvenanceHoldsTheWholeGraphInputsFirst) {
  finish(store_, plan_.stages[0].id, training_body());
  const auto held = folder_.path() / "checkpoints" / plan_.stages[3].id;
  std::filesystem::create_directories(held);
  std::ofstream(held / "00000020.safetensors") << "12345";
  const auto stage = stage_provenance(store_, folder_.path(), plan_.stages[3].id);
  EXPECT_EQ(stage.at("checkpoints").at(0).at("file"), "00000020.safetensors");
  EXPECT_EQ(stage.at("checkpoints").at(0).at("bytes"), 5);
  const auto& graph = stage.at("graph").as_array();
  ASSERT_EQ(graph.size(), 3U);
  EXPECT_EQ(graph[0].at("label"), "pretrain l1");
  EXPECT_EQ(graph[0].at("state"), "done");
  EXPECT_EQ(graph[2].at("label"), "evaluate E1");
  EXPECT_EQ(stage.at("used_by").at(0).at("trial"), "e1");
  EXPECT_FALSE(stage.contains("result"));
  EXPECT_THROW((void)stage_provenance(store_, folder_.path(), "../no-such-stage"), Error);
}

TEST_F(ApiTest, CurvesComeDownsampled) {
  finish(store_, plan_.stages[0].id, training_body(1000));
  const auto curve = stage_curve(store_, plan_.stages[0].id, 50);
  EXPECT_EQ(curve.at("total"), 1000);
  EXPECT_EQ(curve.at("points").as_array().size(), 50U);
  EXPECT_EQ(stage_curve(store_, plan_.stages[1].id, 50).at("total"), 0);
}

TEST_F(ApiTest, LogsAreReadFromTheWorkspaceOnlyAndCutAtTheirStart) {
  const auto& id = plan_.stages[0].id;
  const auto fence = store_.begin_attempt(id, "local-0", "h", "cpu", 1);
  EXPECT_TRUE(attempt_log(store_, folder_.path(), id, fence, 10).contains("missing"));
  std::filesystem::create_directory(folder_.path() / "logs");
  std::ofstream(folder_.path() / "logs" / "local-0.log") << "0123456789abcdef";
  const auto log = attempt_log(store_, folder_.path(), id, fence, 10);
  EXPECT_EQ(log.at("text"), "6789abcdef");
  EXPECT_EQ(log.at("cut"), true);
  EXPECT_THROW((void)attempt_log(store_, folder_.path(), id, fence + 1, 10), Error);
  const auto hostile = store_.begin_attempt(id, "../../etc/passwd", "h", "cpu", 1);
  EXPECT_THROW((void)attempt_log(store_, folder_.path(), id, hostile, 10), Error);
}

TEST_F(ApiTest, EventsComeNewestFirstPageByPage) {
  for (int i = 0; i < 5; ++i) store_.add_event("kind", "event " + std::to_string(i), "me");
  const auto first = event_list(store_, 0, 2);
  EXPECT_EQ(first.at("events").at(0).at("text"), "event 4");
  const auto second = event_list(store_, first.at("next").as_int64(), 10);
  EXPECT_EQ(second.at("events").as_array().size(), 3U);
  EXPECT_EQ(second.at("events").at(0).at("text"), "event 2");
  EXPECT_TRUE(second.at("next").is_null());
}

// Folder studies and studies with includes cannot be read again from their text: what the pages
// need of them is stored.
TEST_F(ApiTest, TitleAndTablesComeFromTheDatabaseNotFromTheText) {
  sweep::Plan folder = small_plan("both");
  folder.title = "Two studies";
  for (sweep::Trial& trial : folder.trials) trial.name = "first." + trial.name;
  folder.tables = {{.name = "first.quality",
                    .title = "Quality",
                    .group = "first",
                    .columns = {"PSNR"},
                    .paper = "6",
                    .paper_rows = {{"L1", "L1"}}}};
  store_.put_plan(folder, "# study: gone/first.toml\nthis is no TOML");
  finish(store_, folder.stages[0].id, training_body());
  finish(store_, folder.stages[2].id, evaluation_body(30));
  const StudyView shown = *load_study_view(store_, "both");
  EXPECT_EQ(study_summary(shown).at("title"), "Two studies");
  EXPECT_EQ(study_summary(shown).at("tables").at(0), "first.quality");
  const auto tables = study_tables(store_, shown);
  const auto& table = tables.at("tables").at(0);
  ASSERT_EQ(table.at("rows").as_array().size(), 2U);
  EXPECT_EQ(table.at("rows").at(0).at("label"), "L1");
  EXPECT_EQ(table.at("rows").at(0).at("cells").at(0).at("text"), "31.00(0.82)");
  EXPECT_FALSE(table.at("rows").at(0).at("cells").at(0).at("paper").as_string().empty());
}

TEST_F(ApiTest, TwoEvaluationsAreComparedSliceBySlice) {
  finish(store_, plan_.stages[2].id, evaluation_body(30));
  finish(store_, plan_.stages[3].id, evaluation_body(31));
  const auto found = stage_compare(store_, plan_.stages[2].id, plan_.stages[3].id);
  const auto& comparisons = found.at("comparisons").as_array();
  ASSERT_EQ(comparisons.size(), 2U);
  EXPECT_EQ(comparisons[0].at("metric"), "PSNR");
  EXPECT_EQ(comparisons[0].at("unit"), "slices");
  EXPECT_EQ(comparisons[0].at("count"), 3);
  EXPECT_EQ(comparisons[0].at("difference"), 1.0);
  EXPECT_EQ(comparisons[1].at("unit"), "subjects");
  EXPECT_THROW((void)stage_compare(store_, plan_.stages[0].id, plan_.stages[3].id), Error);
  EXPECT_THROW((void)stage_compare(store_, plan_.stages[2].id, "no-such-stage"), Error);
}

TEST_F(ApiTest, ThePapersTablesAreThereWithAllTheirValues) {
  std::size_t values = 0;
  std::set<std::string> numbers;
  const auto tables = study_tables(store_, view());
  for (const auto& table : tables.at("paper").as_array()) {
    numbers.insert(std::string(table.at("paper").as_string()));
    EXPECT_EQ(table.at("filled"), 0);
    for (const auto& row : table.at("rows").as_array()) {
      for (const auto& cell : row.at("cells").as_array()) {
        values += cell.as_object().contains("paper") ? 1U : 0U;
      }
    }
  }
  EXPECT_EQ(numbers.size(), 10U);
  EXPECT_EQ(values, 626U);
}

TEST_F(ApiTest, WhatAPersonCancelledNeedsNobody) {
  const std::string& id = plan_.stages[0].id;
  store_.end_attempt(store_.begin_attempt(id, "local-0", "h", "cpu", 1), "revoked", "cancelled");
  EXPECT_TRUE(study_summary(view()).at("problems").as_array().empty());
  EXPECT_EQ(stage_provenance(store_, folder_.path(), id).at("state"), "waiting");
  store_.end_attempt(store_.begin_attempt(id, "local-0", "h", "cpu", 1), "revoked", "too late");
  EXPECT_EQ(study_summary(view()).at("problems").as_array().size(), 1U);
  EXPECT_EQ(stage_provenance(store_, folder_.path(), id).at("state"), "failed");
}

}  // namespace reprise::dashboards::web
