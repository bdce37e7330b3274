#include "db/maintenance.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <functional>

#include "db/sqlite.h"
#include "db/store.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise::db {
namespace {

boost::json::object body() {
  return boost::json::parse(R"({"artifacts":{"weights":{"sha256":"aa","bytes":3}},
    "rows":{"subjects":["b","a"],"subject":[0,1,1],"slice":[4,7,2],
    "values":{"psnr":[0.1,2.5,null],"ssim":[1,0.5,0.25]}}})")
      .as_object();
}

class MaintenanceTest : public ::testing::Test {
 protected:
  MaintenanceTest() {
    sweep::Plan plan;
    plan.study = "quick";
    for (int i = 0; i < 3; ++i) {
      sweep::Stage stage;
      stage.config = {{"seed", i}};
      stage.dataset = "ixi";
      stage.dataset_digest = std::string(64, 'd');
      stage.label = "pretrain";
      stage.id = sweep::stage_id(stage);
      plan.stages.push_back(stage);
    }
    Store store(file_, Access::ReadWrite);
    store.put_plan(plan, "text");
    for (int i = 0; i < 2; ++i) {
      const std::string& id = plan.stages[static_cast<std::size_t>(i)].id;
      EXPECT_TRUE(store.commit_result(id, store.begin_attempt(id, "g", "h", "cpu", 1), body()));
    }
    ids_ = {plan.stages[0].id, plan.stages[1].id, plan.stages[2].id};
  }

  void change(const std::string& sql) {
    Connection connection(file_, Access::ReadWrite);
    connection.execute("PRAGMA foreign_keys=OFF; " + sql);
  }
  std::string problems(const std::filesystem::path& file) {
    std::string text;
    for (const std::string& line : check(file).problems) text += line + "\n";
    return text;
  }
  ErrorCode code_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      text_ = error.what();
      return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::Internal;
  }

  testing::TempDir folder_;
  std::filesystem::path file_ = folder_ / "reprise.db";
  std::vector<std::string> ids_;
  std::string text_;
};

TEST_F(MaintenanceTest, ASoundDatabaseHasNoProblems) {
  EXPECT_EQ(problems(file_), "");
  EXPECT_EQ(check(file_).results, 2);
}

TEST_F(MaintenanceTest, EachKindOfDamageIsNamed) {
  const auto broken = [this](const std::string& sql) {
    const auto kept = folder_ / "kept";
    backup(file_, kept);
    change(sql);
    const std::string found = problems(file_);
    std::filesystem::rename(kept, file_);
    return found;
  };
  const std::string of = " of stage " + ids_[0];
  EXPECT_EQ(
      broken("UPDATE results SET body=replace(body,'0.1','0.2') WHERE stage='" + ids_[0] + "'"),
      "result" + of + ": the row does not match its hash\n");
  EXPECT_EQ(broken("UPDATE metrics SET value=9 WHERE name='psnr' AND stage='" + ids_[0] + "'"),
            "table metrics: the rows" + of + " are not those of its result\n");
  EXPECT_EQ(broken("DELETE FROM metrics WHERE name='ssim' AND slice=7 AND stage='" + ids_[0] + "'"),
            "table metrics: the rows" + of + " are not those of its result\n");
  EXPECT_EQ(broken("UPDATE attempts SET outcome='lost' WHERE stage='" + ids_[0] + "'"),
            "result" + of + ": its attempt is not done\n");
  EXPECT_NE(broken("DELETE FROM stages WHERE id='" + ids_[2] + "'").find("table study_stages"),
            std::string::npos);
  EXPECT_EQ(problems(file_), "");
}

TEST_F(MaintenanceTest, WhatOurStatementsDoNotFitIsDamaged) {
  change("UPDATE results SET body='{' WHERE stage='" + ids_[0] + "'");
  const auto read = [&](const auto& what) {
    return code_of([&] { what(Store(file_, Access::ReadOnly)); });
  };
  EXPECT_EQ(read([](const Store& store) { (void)store.artifact_digests(); }), ErrorCode::Corrupt);
  EXPECT_NE(text_.find("malformed JSON"), std::string::npos) << text_;
  change("ALTER TABLE results RENAME COLUMN sha256 TO sha255");
  EXPECT_EQ(read([&](const Store& store) { (void)store.result(ids_[0]); }), ErrorCode::Corrupt);
}

// 44 % of single flipped bits pass SQLite's own check; what a table could be made of may not.
TEST_F(MaintenanceTest, NoFlippedBitChangesAResultUnnoticed) {
  const std::string sound = read_file(file_);
  const auto copy = folder_ / "flipped.db";
  int noticed = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    std::string bytes = sound;
    const std::size_t at = i * bytes.size() / 400 + i % 7;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (i % 8)));
    std::ofstream(copy, std::ios::binary | std::ios::trunc) << bytes;
    try {
      const CheckReport report = check(copy);
      noticed += report.problems.empty() ? 0 : 1;
      if (!report.problems.empty()) continue;
      const Store store(copy, Access::ReadOnly);
      for (int stage = 0; stage < 2; ++stage) {
        EXPECT_EQ(store.result(ids_[static_cast<std::size_t>(stage)]), body()) << "byte " << at;
      }
    } catch (const Error&) {
      ++noticed;
    }
  }
  EXPECT_GT(noticed, 20);
}

TEST_F(MaintenanceTest, BackupIsCompleteWhileSomebodyWrites) {
  Store writer(file_, Access::ReadWrite);
  writer.add_event("before", "x");
  const auto to = folder_ / "copies" / "one.db";
  backup(file_, to);
  writer.add_event("after", "x");
  const auto files = std::filesystem::directory_iterator(to.parent_path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
  const Store copy(to, Access::ReadOnly);
  ASSERT_EQ(copy.events(10).size(), 1U);
  EXPECT_EQ(copy.result(ids_[0]), body());
  EXPECT_EQ(code_of([&] { backup(file_, to); }), ErrorCode::InvalidInput);
  EXPECT_NE(text_.find("one.db: is there already"), std::string::npos) << text_;
  EXPECT_EQ(code_of([&] { backup(folder_ / "none.db", folder_ / "two.db"); }),
            ErrorCode::InvalidInput);
}

TEST_F(MaintenanceTest, DamageIsNotBackedUp) {
  change("UPDATE results SET body=replace(body,'0.1','0.2')");
  EXPECT_EQ(code_of([&] { backup(file_, folder_ / "copy.db"); }), ErrorCode::Corrupt);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "copy.db"));
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("copy")) << entry.path();
  }
}

TEST_F(MaintenanceTest, WhatIsNoDatabaseIsAProblem) {
  std::ofstream(folder_ / "text.db") << std::string(5000, 'x');
  EXPECT_NE(problems(folder_ / "text.db"), "");
  EXPECT_EQ(code_of([&] { (void)check(folder_ / "none.db"); }), ErrorCode::InvalidInput);
}

TEST_F(MaintenanceTest, VacuumGivesFreePagesBackAndKeepsTheRest) {
  change(
      "CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
      " WHERE i<2000) SELECT hex(randomblob(500)) FROM n; DROP TABLE ballast");
  const VacuumReport report = vacuum(file_);
  EXPECT_LT(report.bytes_after * 4, report.bytes_before);
  EXPECT_EQ(report.bytes_after, std::filesystem::file_size(file_));
  EXPECT_EQ(problems(file_), "");
  EXPECT_EQ(code_of([&] { vacuum(folder_ / "none.db"); }), ErrorCode::InvalidInput);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "none.db"));
}

TEST_F(MaintenanceTest, SaysWhatFilesAreNeeded) {
  const Store store(file_, Access::ReadOnly);
  EXPECT_EQ(store.artifact_digests(), (std::set<std::string>{"aa"}));
  EXPECT_EQ(store.planned_stages(), (std::set<std::string>{ids_[0], ids_[1], ids_[2]}));
}

}  // namespace
}  // namespace reprise::db
