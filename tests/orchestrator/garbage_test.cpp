#include "orchestrator/garbage.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class GarbageTest : public ::testing::Test {
 protected:
  GarbageTest() {
    sweep::Plan plan;
    plan.study = "quick";
    for (const char* label : {"done", "waiting"}) {
      sweep::Stage stage;
      stage.config = {{"label", label}};
      stage.label = label;
      stage.dataset_digest = std::string(64, 'd');
      stage.id = sweep::stage_id(stage);
      plan.stages.push_back(stage);
    }
    done_ = plan.stages[0].id;
    waiting_ = plan.stages[1].id;
    store_.put_plan(plan, "");
    EXPECT_TRUE(store_.commit_result(
        done_, store_.begin_attempt(done_, "g", "h", "cpu", 1),
        boost::json::object{{"artifacts", {{"weights", {{"sha256", needed_}, {"bytes", 4}}}}}}));
  }

  void put(const std::string& path, const std::string& text = "12345",
           std::chrono::hours age = 48h) {
    const fs::path file = folder_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
    const auto when = fs::file_time_type::clock::now() - age;
    fs::last_write_time(file, when);
    fs::last_write_time(file.parent_path(), when);
  }
  std::vector<std::string> found(std::chrono::hours untouched = 24h) {
    std::vector<std::string> paths;
    for (const Garbage& garbage : find_garbage(store_, folder_.path(), untouched)) {
      paths.push_back(garbage.path.lexically_relative(folder_.path()).string());
    }
    return paths;
  }

  testing::TempDir folder_;
  db::Store store_{folder_ / "reprise.db", db::Access::ReadWrite};
  const std::string needed_ = std::string(64, 'a'), other_ = std::string(64, 'b');
  std::string done_, waiting_;
};

using Paths = std::vector<std::string>;

TEST_F(GarbageTest, EmptyWorkspaceHasNone) { EXPECT_EQ(found(), Paths{}); }

TEST_F(GarbageTest, CheckpointsGoOnceNothingResumesFromThem) {
  put("checkpoints/" + done_ + "/step-1.json", "12345", 0h);
  put("checkpoints/" + done_ + "/step-1.safetensors", "123", 0h);
  put("checkpoints/" + waiting_ + "/step-1.json");
  put("checkpoints/" + other_ + "/step-1.json");
  const auto garbage = find_garbage(store_, folder_.path(), 24h);
  ASSERT_EQ(garbage.size(), 2U);
  const auto& first = garbage[done_ < other_ ? 0 : 1];
  EXPECT_EQ(first.path, folder_ / "checkpoints" / done_);
  EXPECT_EQ(first.bytes, 8U);
  for (const Garbage& each : garbage) remove_garbage(each, folder_.path());
  EXPECT_TRUE(fs::exists(folder_ / "checkpoints" / waiting_ / "step-1.json"));
  EXPECT_FALSE(fs::exists(folder_ / "checkpoints" / done_));
  EXPECT_EQ(found(), Paths{});
}

TEST_F(GarbageTest, OnlyWeightsThatNoResultNamesGo) {
  put("objects/" + needed_ + ".safetensors");
  put("objects/" + other_ + ".safetensors");
  EXPECT_EQ(found(), Paths{"objects/" + other_ + ".safetensors"});
}

TEST_F(GarbageTest, WhatIsYoungMayBelongToAGang) {
  put("objects/" + other_ + ".safetensors", "1", 1h);
  put("checkpoints/" + other_ + "/old");
  put("checkpoints/" + other_ + "/young", "1", 1h);
  fs::last_write_time(folder_ / "checkpoints" / other_, fs::file_time_type::clock::now() - 48h);
  put("objects/x.safetensors.tmp12-0", "1", 1h);
  EXPECT_EQ(found(), Paths{});
  EXPECT_EQ(found(0h).size(), 3U);
}

TEST_F(GarbageTest, RemainsOfDeadWritersGoAndNothingThatLooksLikeThem) {
  put("datasets/a.h5.tmp99-3");
  put("objects/" + needed_ + ".safetensors.tmp7-0");
  put("checkpoints/" + waiting_ + "/step-2.json.tmp1-1");
  put("coordinator.json.tmp5-0");
  put("datasets/a.tmpl");
  put("datasets/b.tmp");
  put("notes.tmp12x");
  EXPECT_EQ(found(),
            (Paths{"checkpoints/" + waiting_ + "/step-2.json.tmp1-1", "coordinator.json.tmp5-0",
                   "datasets/a.h5.tmp99-3", "objects/" + needed_ + ".safetensors.tmp7-0"}));
}

TEST_F(GarbageTest, LinksLeadNowhere) {
  testing::TempDir elsewhere;
  std::ofstream(elsewhere / "mine.txt") << "keep";
  fs::create_directories(folder_ / "checkpoints");
  fs::create_directory_symlink(elsewhere.path(), folder_ / "checkpoints" / done_);
  const auto garbage = find_garbage(store_, folder_.path(), 0h);
  ASSERT_EQ(garbage.size(), 1U);
  EXPECT_EQ(garbage[0].bytes, 0U);
  remove_garbage(garbage[0], folder_.path());
  EXPECT_TRUE(fs::exists(elsewhere / "mine.txt"));
  EXPECT_DEATH(remove_garbage({folder_.path(), 0, ""}, folder_.path()), "bug");
  EXPECT_DEATH(remove_garbage({elsewhere.path(), 0, ""}, folder_.path()), "bug");
  EXPECT_TRUE(fs::exists(elsewhere / "mine.txt"));
}

}  // namespace
}  // namespace reprise
