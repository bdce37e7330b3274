/// The order of what a pilot leaves on the disk and what Slurm is asked: its commands are replaced
/// by scripts that write down what they were asked and what they saw. (tests/slurm has a real one.)

#include "orchestrator/pilot_launcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <set>
#include <thread>

#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class PilotLauncherTest : public ::testing::Test {
 protected:
  PilotLauncherTest() {
    command("sbatch", "ls " + (folder_ / "slurm/pilots").string() + " >>" +
                          (folder_ / "seen").string() + "; echo 17");
    command("scancel", "echo \"$@\" >>" + (folder_ / "cancelled").string());
    command("squeue", "cat " + (folder_ / "queue").string());
    queue("");
    const char* path = std::getenv("PATH");
    old_path_ = path == nullptr ? "" : path;
    ::setenv("PATH", ((folder_ / "bin").string() + ":" + old_path_).c_str(), 1);
    options_.kind = LauncherKind::Slurm;
    options_.workspace = folder_.path();
    options_.worker_binary = "/bin/worker";
    options_.slurm.poll_ms = 1;
  }
  ~PilotLauncherTest() override { ::setenv("PATH", old_path_.c_str(), 1); }

  void command(const std::string& name, const std::string& script) {
    const fs::path file = folder_ / ("bin/" + name);
    write_file_atomically(file, "#!/bin/sh\n" + script + "\n");
    fs::permissions(file, fs::perms::owner_all);
  }
  void queue(const std::string& text) { write_file_atomically(folder_ / "queue", text); }
  [[nodiscard]] std::string written(const std::string& name) const {
    return fs::exists(folder_ / name) ? read_file(folder_ / name) : "";
  }
  [[nodiscard]] std::set<std::string> intents() const {
    std::set<std::string> names;
    std::error_code none;
    for (const auto& file : fs::directory_iterator(folder_ / "slurm/pilots", none)) {
      names.insert(file.path().filename());
    }
    return names;
  }

  /// Polls until `done`, for at most ten seconds; all that happened.
  template <typename Done>
  std::vector<LaunchEvent> poll_until(PilotLauncher& launcher, const Done& done) {
    std::vector<LaunchEvent> all;
    for (int i = 0; i < 2000; ++i) {
      for (LaunchEvent& event : launcher.poll(++now_, {})) all.push_back(std::move(event));
      if (done(all)) return all;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "nothing happened";
    return all;
  }

  const testing::TempDir folder_;
  LaunchOptions options_;
  std::string old_path_;
  std::int64_t now_ = 0;
};

bool any(const std::vector<LaunchEvent>& events) { return !events.empty(); }

TEST_F(PilotLauncherTest, TheIntentIsDurableBeforeSbatchAndGoneAfterTheJob) {
  PilotLauncher launcher(options_);
  launcher.launch("slurm-ab-0", 1, {}, now_);
  EXPECT_EQ(intents(), std::set<std::string>{"slurm-ab-0"});
  const auto submitted = poll_until(launcher, any);
  EXPECT_EQ(std::get<GangSubmitted>(submitted.at(0)).job, "17");
  EXPECT_EQ(written("seen"), "slurm-ab-0\n");
  queue("17|COMPLETED|None|slurm-ab-0\n");
  const auto ended = poll_until(launcher, any);
  EXPECT_TRUE(std::get<GangExit>(ended.at(0)).expected);
  EXPECT_EQ(intents(), std::set<std::string>{});
  EXPECT_EQ(written("cancelled"), "");
}

TEST_F(PilotLauncherTest, ARefusedSubmissionLeavesNoIntent) {
  command("sbatch", "echo 'sbatch: error: invalid partition'; exit 1");
  PilotLauncher launcher(options_);
  launcher.launch("slurm-ab-0", 1, {}, now_);
  const auto events = poll_until(launcher, any);
  EXPECT_NE(std::get<GangExit>(events.at(0)).reason.find("invalid partition"), std::string::npos);
  EXPECT_EQ(intents(), std::set<std::string>{});
}

TEST_F(PilotLauncherTest, ADeadCoordinatorsPilotsAreCancelledByTheNextOne) {
  {
    PilotLauncher dead(options_);
    dead.launch("slurm-ab-0", 1, {}, now_);
    poll_until(dead, any);
    dead.launch("slurm-ab-1", 1, {}, now_);  // Never comes to its sbatch.
  }
  write_file_atomically(folder_ / "slurm/pilots/not a job's name", "");
  write_file_atomically(folder_ / "slurm/pilots/slurm-ab-2.tmp7-0", "");
  PilotLauncher next(options_);
  next.launch("slurm-cd-0", 1, {}, now_);
  poll_until(next, any);
  const std::string cancelled = written("cancelled");
  EXPECT_EQ(std::count(cancelled.begin(), cancelled.end(), '\n'), 2) << cancelled;
  EXPECT_NE(cancelled.find("--quiet --name=slurm-ab-0\n"), std::string::npos) << cancelled;
  EXPECT_NE(cancelled.find("--quiet --name=slurm-ab-1\n"), std::string::npos) << cancelled;
  EXPECT_EQ(intents(),
            (std::set<std::string>{"not a job's name", "slurm-ab-2.tmp7-0", "slurm-cd-0"}));
}

TEST_F(PilotLauncherTest, WhatCouldNotBeCancelledIsTriedByTheOneAfterIt) {
  {
    PilotLauncher dead(options_);
    dead.launch("slurm-ab-0", 1, {}, now_);
    poll_until(dead, any);
  }
  command("scancel", "echo 'Unable to contact slurm controller'; exit 1");
  {
    PilotLauncher next(options_);
    next.launch("slurm-cd-0", 1, {}, now_);
    poll_until(next, any);
    EXPECT_TRUE(intents().contains("slurm-ab-0"));
  }
  command("scancel", "exit 0");
  PilotLauncher last(options_);
  last.launch("slurm-ef-0", 1, {}, now_);
  poll_until(last, any);
  EXPECT_EQ(intents(), std::set<std::string>{"slurm-ef-0"});
}

TEST_F(PilotLauncherTest, WithoutAnIntentThereIsNoJob) {
  PilotLauncher launcher(options_);
  write_file_atomically(folder_ / "slurm/pilots", "in the way");
  EXPECT_THROW(launcher.launch("slurm-ab-0", 1, {}, now_), Error);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(launcher.poll(++now_, {}).empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(written("seen"), "");
}

}  // namespace
}  // namespace reprise
