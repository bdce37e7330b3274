#include "db/store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <functional>

#include "db/schema.h"
#include "sweep/error.h"

namespace reprise::db {
namespace {

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("reprise-db-" + std::to_string(getpid()) + "-" + info->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    file_ = folder_ / "results.db";
  }
  ~StoreTest() override { std::filesystem::remove_all(folder_); }

  static sweep::Plan plan() {
    sweep::Plan plan;
    plan.study = "quick";
    sweep::Stage first;
    first.config = {{"seed", 1}, {"scale", 2.5}};
    first.options = {{"checkpoint_every", 10}};
    first.dataset = "ixi";
    first.dataset_digest = std::string(64, 'd');
    first.label = "pretrain";
    first.steps = 100;
    first.id = sweep::stage_id(first);
    sweep::Stage second = first;
    second.kind = sweep::StageKind::Evaluate;
    second.inputs = {{"network", first.id}};
    second.label = "evaluate";
    second.id = sweep::stage_id(second);
    plan.stages = {first, second};
    plan.trials = {{"t-b", "B", {{"evaluate", second.id}, {"pretrain", first.id}}},
                   {"t-a", "A", {{"pretrain", first.id}}}};
    return plan;
  }

  static boost::json::object body() {
    return boost::json::parse(R"({"scalars":{"psnr":31.25},"rows":{"subjects":["b","a"],
      "subject":[0,1,1],"slice":[4,7,2],"values":{"psnr":[1.5,2.5,null],"ssim":[1,0.5,0.25]}}})")
        .as_object();
  }

  static ErrorCode code_of(const std::function<void()>& action, std::string* text = nullptr) {
    try {
      action();
    } catch (const Error& error) {
      if (text != nullptr) *text = error.what();
      return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::Internal;
  }

  std::filesystem::path folder_, file_;
};

TEST_F(StoreTest, PlanRoundTripsAndIsIdempotent) {
  sweep::Plan wanted = plan();
  wanted.title = "A \"quick\" one";
  wanted.tables = {{.name = "t",
                    .title = "T",
                    .group = "quick",
                    .columns = {"PSNR", "Dice-T"},
                    .paper = "6",
                    .paper_rows = {{"B", "Bicubic"}}}};
  {
    Store store(file_, Access::ReadWrite);
    store.put_plan(wanted, "text");
    store.put_plan(wanted, "text 2");
  }
  Store store(file_, Access::ReadOnly);
  const auto got = store.plan("quick");
  ASSERT_TRUE(got);
  ASSERT_EQ(got->stages.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(got->stages[i].id, wanted.stages[i].id);
    EXPECT_EQ(sweep::stage_id(got->stages[i]), wanted.stages[i].id);
    EXPECT_EQ(got->stages[i].label, wanted.stages[i].label);
    EXPECT_EQ(got->stages[i].options, wanted.stages[i].options);
    EXPECT_EQ(got->stages[i].steps, 100);
  }
  ASSERT_EQ(got->trials.size(), 2U);
  EXPECT_EQ(got->trials[0].name, "t-b");
  EXPECT_EQ(got->trials[0].row, "B");
  EXPECT_EQ(got->trials[0].stages, wanted.trials[0].stages);
  EXPECT_EQ(got->title, wanted.title);
  ASSERT_EQ(got->tables.size(), 1U);
  EXPECT_EQ(got->tables[0].columns, wanted.tables[0].columns);
  EXPECT_EQ(got->tables[0].group, "quick");
  EXPECT_EQ(got->tables[0].paper, "6");
  EXPECT_EQ(got->tables[0].paper_rows, wanted.tables[0].paper_rows);
  EXPECT_EQ(store.studies(), std::vector<std::string>{"quick"});
  EXPECT_EQ(store.study_text("quick"), "text 2");
  EXPECT_FALSE(store.plan("other"));
}

TEST_F(StoreTest, DatasetsAreReplacedByName) {
  Store store(file_, Access::ReadWrite);
  store.put_dataset("ixi", "1", "/a", "{}");
  store.put_dataset("ixi", "2", "/b", "{}");
  ASSERT_EQ(store.datasets().size(), 1U);
  EXPECT_EQ(store.datasets()[0].digest, "2");
}

TEST_F(StoreTest, ResultIsCommittedOnceAndOnlyUnderTheNewestFence) {
  Store store(file_, Access::ReadWrite);
  store.put_plan(plan(), "");
  const std::string stage = plan().stages[0].id;
  const auto old = store.begin_attempt(stage, "g0", "h", "cpu", 1);
  const auto newer = store.begin_attempt(stage, "g1", "h", "cpu", 2);
  EXPECT_GT(newer, old);
  EXPECT_FALSE(store.commit_result(stage, old, body()));
  EXPECT_FALSE(store.is_done(stage));
  EXPECT_TRUE(store.commit_result(stage, newer, body()));
  EXPECT_TRUE(store.commit_result(stage, newer, body()));
  EXPECT_FALSE(store.commit_result(stage, newer, {{"other", 1}}));
  EXPECT_FALSE(store.commit_result(stage, old, body()));
  EXPECT_TRUE(store.is_done(stage));
  EXPECT_EQ(store.attempts(stage).at(1).outcome, "done");
  EXPECT_EQ(store.attempts(stage).at(1).ranks, 2);
  EXPECT_EQ(*store.result(stage), body());
  EXPECT_DOUBLE_EQ(store.scalars(stage).at("psnr"), 31.25);
}

TEST_F(StoreTest, WarningsOfAResultBecomeEventsWithIt) {
  Store store(file_, Access::ReadWrite);
  store.put_plan(plan(), "");
  const std::string stage = plan().stages[0].id;
  const auto stale = store.begin_attempt(stage, "g0", "h", "cpu", 1);
  const auto fence = store.begin_attempt(stage, "g1", "h", "cpu", 1);
  const boost::json::object body{
      {"provenance", {{"warnings", {"checkpoint passed over: x.safetensors", 7}}}}};
  EXPECT_FALSE(store.commit_result(stage, stale, body));
  EXPECT_TRUE(store.events(10).empty());
  EXPECT_TRUE(store.commit_result(stage, fence, body));
  EXPECT_TRUE(store.commit_result(stage, fence, body));  // A repeated result.
  const auto events = store.events(10);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, "warning");
  EXPECT_EQ(events[0].text, "stage " + stage + ": checkpoint passed over: x.safetensors");
}

/// A result with what the worker records of its cost.
boost::json::object costly_body(const char* cost) {
  boost::json::object body{{"scalars", boost::json::object{}}};
  body["provenance"] = boost::json::parse(cost);
  return body;
}

TEST_F(StoreTest, CostsOfRunningStagesAreKeptAndResultsTakeTheirPlace) {
  Store store(file_, Access::ReadWrite);
  const sweep::Plan planned = plan();
  store.put_plan(planned, "");
  const auto fence = store.begin_attempt(planned.stages[0].id, "g", "h", "cuda", 2);
  EXPECT_TRUE(store.cost_samples().empty());
  store.put_cost(fence, {.steps = 100, .cost = {0.5, 3}, .threads = 4});
  auto samples = store.cost_samples();
  ASSERT_EQ(samples.size(), 1U);
  EXPECT_EQ(samples[0].stage.kind, planned.stages[0].kind);
  EXPECT_EQ(samples[0].stage.config, planned.stages[0].config);
  EXPECT_EQ(samples[0].setting.device, "cuda");
  EXPECT_EQ(samples[0].setting.threads, 4);
  EXPECT_EQ(samples[0].ranks, 2);
  EXPECT_DOUBLE_EQ(samples[0].cost.step_seconds, 0.5);
  EXPECT_DOUBLE_EQ(samples[0].cost.start_seconds, 3);

  const auto body = costly_body(R"({"seconds": 50, "steps_per_second": 4, "threads": 4,
                                    "cost": {"wall_seconds": 52.5}})");
  ASSERT_TRUE(store.commit_result(planned.stages[0].id, fence, body));
  const auto other = store.begin_attempt(planned.stages[1].id, "g", "h", "cpu", 1);
  ASSERT_TRUE(store.commit_result(planned.stages[1].id, other,
                                  costly_body(R"({"threads": 1, "cost": {"wall_seconds": 7}})")));
  samples = store.cost_samples();
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_DOUBLE_EQ(samples[0].cost.step_seconds, 0.25);
  EXPECT_DOUBLE_EQ(samples[0].cost.start_seconds, 2.5);
  EXPECT_EQ(samples[1].stage.kind, sweep::StageKind::Evaluate);
  EXPECT_DOUBLE_EQ(samples[1].cost.step_seconds, 7);  // All of it: it has no steps.
}

TEST_F(StoreTest, AnOlderFileTellsItsCostsToo) {
  const sweep::Plan planned = plan();
  {
    Store store(file_, Access::ReadWrite);
    store.put_plan(planned, "");
    const char* const costs[] = {R"({"seconds": 50, "steps_per_second": 4, "threads": 2,
                                     "cost": {"wall_seconds": 52.5}})",
                                 R"({"cost": {"wall_seconds": 7}})"};
    for (std::size_t i = 0; i < 2; ++i) {
      const auto fence = store.begin_attempt(planned.stages[i].id, "g", "h", "cpu", 1);
      ASSERT_TRUE(store.commit_result(planned.stages[i].id, fence, costly_body(costs[i])));
    }
  }
  Connection(file_, Access::ReadWrite).execute("DROP TABLE stage_costs; PRAGMA user_version=3");
  const auto samples = Store(file_, Access::ReadWrite).cost_samples();
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_DOUBLE_EQ(samples[0].cost.step_seconds, 0.25);
  EXPECT_DOUBLE_EQ(samples[0].cost.start_seconds, 2.5);
  EXPECT_EQ(samples[0].setting.threads, 2);
  EXPECT_DOUBLE_EQ(samples[1].cost.step_seconds, 7);
  EXPECT_EQ(samples[1].setting.threads, 1);
}

TEST_F(StoreTest, RevokedAttemptCannotCommit) {
  Store store(file_, Access::ReadWrite);
  store.put_plan(plan(), "");
  const std::string stage = plan().stages[0].id;
  const auto fence = store.begin_attempt(stage, "g0", "h", "cpu", 1);
  store.end_attempt(fence, "revoked", "stalled");
  store.end_attempt(fence, "failed", "too late");
  EXPECT_FALSE(store.commit_result(stage, fence, body()));
  EXPECT_EQ(store.attempts(stage).at(0).message, "stalled");
  EXPECT_EQ(store.failures(stage), 1);
}

TEST_F(StoreTest, SliceValuesAreOrderedAndSkipNulls) {
  Store store(file_, Access::ReadWrite);
  store.put_plan(plan(), "");
  const std::string stage = plan().stages[1].id;
  ASSERT_TRUE(store.commit_result(stage, store.begin_attempt(stage, "g", "h", "cpu", 1), body()));
  const auto psnr = store.slice_values(stage, "psnr");
  ASSERT_EQ(psnr.size(), 2U);
  EXPECT_EQ(psnr[0].subject, "a");
  EXPECT_EQ(psnr[0].slice, 7);
  EXPECT_DOUBLE_EQ(psnr[1].value, 1.5);
  EXPECT_EQ(store.slice_values(stage, "ssim").at(0).slice, 2);
}

TEST_F(StoreTest, MalformedRowsAreCorruptAndLeaveNothing) {
  Store store(file_, Access::ReadWrite);
  store.put_plan(plan(), "");
  const std::string stage = plan().stages[0].id;
  const auto fence = store.begin_attempt(stage, "g", "h", "cpu", 1);
  auto bad = body();
  bad["rows"].as_object()["subject"] = {0, 1, 9};
  EXPECT_EQ(code_of([&] { store.commit_result(stage, fence, bad); }), ErrorCode::Corrupt);
  bad["rows"].as_object()["subject"] = {0, 1};
  EXPECT_EQ(code_of([&] { store.commit_result(stage, fence, bad); }), ErrorCode::Corrupt);
  EXPECT_FALSE(store.is_done(stage));
  EXPECT_TRUE(store.commit_result(stage, fence, body()));
}

TEST_F(StoreTest, DamagedRowIsNamed) {
  const std::string stage = plan().stages[0].id;
  {
    Store store(file_, Access::ReadWrite);
    store.put_plan(plan(), "");
    store.commit_result(stage, store.begin_attempt(stage, "g", "h", "cpu", 1), body());
  }
  Connection(file_, Access::ReadWrite).execute("UPDATE results SET body=replace(body,'31','13')");
  Store store(file_, Access::ReadOnly);
  std::string text;
  EXPECT_EQ(code_of([&] { (void)store.result(stage); }, &text), ErrorCode::Corrupt);
  EXPECT_NE(text.find(stage), std::string::npos);
}

TEST_F(StoreTest, FencesGrowOverReopeningAndAbandonedAttemptsEnd) {
  const std::string stage = plan().stages[0].id;
  std::int64_t fence = 0;
  {
    Store store(file_, Access::ReadWrite);
    store.put_plan(plan(), "");
    fence = store.begin_attempt(stage, "g", "h", "cpu", 1);
  }
  Store store(file_, Access::ReadWrite);
  EXPECT_EQ(store.end_abandoned_attempts(), 1);
  EXPECT_EQ(store.failures(stage), 0);
  EXPECT_GT(store.begin_attempt(stage, "g", "h", "cpu", 1), fence);
  store.add_event("note", "text");
  store.add_event("pause", "", "ada at 127.0.0.1");
  const auto events = store.events(10);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].who, "ada at 127.0.0.1");
  EXPECT_EQ(events[1].who, "coordinator");
  EXPECT_EQ(store.events(1).size(), 1U);
}

TEST_F(StoreTest, ForeignNewerAndMissingFilesAreRefused) {
  EXPECT_EQ(code_of([&] { Store(file_, Access::ReadOnly); }), ErrorCode::InvalidInput);
  {
    Store store(file_, Access::ReadWrite);
  }
  Connection(file_, Access::ReadWrite).execute("PRAGMA user_version=700");
  std::string text;
  EXPECT_EQ(code_of([&] { Store(file_, Access::ReadWrite); }, &text), ErrorCode::InvalidInput);
  EXPECT_EQ(text, file_.string() + ": database schema 700 is newer than this program's " +
                      std::to_string(kSchemaVersion) + ": use a newer reprise");
  const auto foreign = folder_ / "foreign.db";
  Connection(foreign, Access::ReadWrite).execute("CREATE TABLE x(y)");
  EXPECT_EQ(code_of([&] { Store(foreign, Access::ReadWrite); }), ErrorCode::Corrupt);
  const auto junk = folder_ / "junk.db";
  std::ofstream(junk) << std::string(5000, 'j');
  EXPECT_EQ(code_of([&] { Store(junk, Access::ReadWrite); }), ErrorCode::Corrupt);
}

TEST_F(StoreTest, ReaderSeesCommitsWhileTheWriterIsOpen) {
  Store writer(file_, Access::ReadWrite);
  Store reader(file_, Access::ReadOnly);
  writer.put_plan(plan(), "text");
  EXPECT_EQ(reader.study_text("quick"), "text");
  EXPECT_EQ(code_of([&] { reader.add_event("a", "b"); }), ErrorCode::Unavailable);
}

}  // namespace
}  // namespace reprise::db
