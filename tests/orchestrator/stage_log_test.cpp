#include "orchestrator/stage_log.h"

#include <gtest/gtest.h>

#include <fstream>

#include "orchestrator/log_marker.h"
#include "tests/support/temp_dir.h"

namespace reprise {
namespace {

std::string marker(const std::string& stage, std::int64_t fence, const std::string& label) {
  return log_marker(stage, fence, label) + "\n";
}

class StageLogTest : public ::testing::Test {
 protected:
  void append(const std::string& text) { std::ofstream(file_, std::ios::app) << text; }

  testing::TempDir folder_;
  std::filesystem::path file_ = folder_ / "gang.log";
};

TEST_F(StageLogTest, GivesTheAttemptsPartAsItGrows) {
  StageLog log(file_, "aa", 7);
  EXPECT_EQ(log.read(false), "");
  append("mpirun says hello\n" + marker("bb", 6, "other") + "not ours\n");
  EXPECT_EQ(log.read(false), "");
  EXPECT_FALSE(log.begun());
  append(marker("aa", 7, "ours").substr(0, 9));
  EXPECT_EQ(log.read(false), "");
  append(marker("aa", 7, "ours").substr(9) + "first\nsec");
  EXPECT_EQ(log.read(false), "first\n");
  EXPECT_TRUE(log.begun());
  append("ond\n" + marker("aa", 8, "a later attempt") + "not this\n");
  EXPECT_EQ(log.read(false), "second\n");
  append("nor this");
  EXPECT_EQ(log.read(true), "");
}

TEST_F(StageLogTest, AnEndWithoutANewlineIsGivenAtTheEnd) {
  append(marker("aa", 7, "ours") + "dies her");
  StageLog log(file_, "aa", 7);
  EXPECT_EQ(log.read(false), "");
  EXPECT_EQ(log.read(true), "dies her\n");
  EXPECT_EQ(log.read(true), "");
}

TEST_F(StageLogTest, FencesAndIdsAreNoBeginningsOfOthers) {
  append(marker("aa", 71, "x") + "no\n" + marker("aab", 7, "x") + "no\n");
  StageLog log(file_, "aa", 7);
  EXPECT_EQ(log.read(true), "");
  EXPECT_FALSE(log.begun());
}

TEST_F(StageLogTest, ALabelCannotForgeALine) {
  EXPECT_EQ(marker("aa", 1, "x\n== stage bb fence 2: y"),
            "== stage aa fence 1: x?== stage bb fence 2: y\n");
}

}  // namespace
}  // namespace reprise
