#include "orchestrator/event_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/json.hpp>
#include <csignal>
#include <fstream>

#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

TEST(RotatingFileTest, RotatesBeforeALineWouldNotFitAndKeepsSomeOldOnes) {
  const testing::TempDir folder;
  const fs::path file = folder / "x.jsonl";
  {
    RotatingFile log(file, 10, 2);
    for (const char* line : {"aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg"})
      log.write(line);
  }
  EXPECT_EQ(read_file(file), "gggg\n");
  EXPECT_EQ(read_file(file.string() + ".1"), "eeee\nffff\n");
  EXPECT_EQ(read_file(file.string() + ".2"), "cccc\ndddd\n");
  EXPECT_FALSE(fs::exists(file.string() + ".3"));
  RotatingFile again(file, 10, 2);
  again.write("h");
  again.write("a line longer than the limit is kept whole");
  EXPECT_EQ(read_file(file.string() + ".1"), "gggg\nh\n");
  EXPECT_EQ(read_file(file), "a line longer than the limit is kept whole\n");
}

TEST(RotatingFileTest, AFullDiskDropsWholeLinesAndSaysHowMany) {
  const testing::TempDir folder;
  const fs::path file = folder / "x.jsonl";
  RotatingFile log(file, 1 << 20, 1);
  log.write("before");
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{10, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  log.write("does not fit");
  log.write("neither does this");
  ::setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_EQ(log.dropped(), 2U);
  log.write("after");
  EXPECT_EQ(read_file(file), "before\n{\"event\":\"dropped\",\"lines\":2}\nafter\n");
}

TEST(RotatingFileTest, AMissingFolderStopsNobody) {
  RotatingFile log("/proc/no/such/folder/x", 10, 1);
  log.write("a");
  EXPECT_EQ(log.dropped(), 1U);
}

class Silent : public Observer {
 public:
  void on_change(const std::vector<StageStatus>&, const StageStatus&) override { ++changes; }
  void on_tick(const std::vector<StageStatus>&) override { ++ticks; }
  void on_note(const std::string&) override { ++notes; }
  int changes = 0, ticks = 0, notes = 0;
};

TEST(EventLogTest, EveryLineIsJsonWhateverTheNamesAre) {
  const testing::TempDir folder;
  Silent next;
  sweep::Stage stage;
  stage.id = std::string(64, 'a');
  stage.label = "x\"\n\x01<script>";
  std::vector<StageStatus> all(1);
  all[0].stage = &stage;
  {
    EventLog log(folder.path(), next);
    for (const char* state : {"ready", "running", "failed"}) {
      all[0].state = state;
      all[0].message = "line 1\nline 2";
      log.on_change(all, all[0]);
    }
    log.on_note("a \"note\"\n");
    log.on_tick(all);
  }
  EXPECT_EQ(next.changes, 3);
  EXPECT_EQ(next.notes, 1);
  EXPECT_EQ(next.ticks, 1);
  std::ifstream in(event_log_file(folder.path()));
  std::vector<boost::json::object> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back(boost::json::parse(line).as_object());
  }
  ASSERT_EQ(lines.size(), 3U);  // What only became ready is not worth a line.
  EXPECT_EQ(lines[0].at("state").as_string(), "running");
  EXPECT_EQ(lines[1].at("label").as_string(), stage.label);
  EXPECT_EQ(lines[1].at("message").as_string(), "line 1\nline 2");
  EXPECT_EQ(lines[2].at("text").as_string(), "a \"note\"\n");
}

}  // namespace
}  // namespace reprise
