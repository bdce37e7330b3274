/// The database on a disk that fails at every single call, in turn: what was acknowledged is there
/// afterwards, and going on gives what an undisturbed run gives.

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "db/maintenance.h"
#include "db/store.h"
#include "sweep/error.h"
#include "tests/db/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace reprise::db {
namespace {

using testing::Fault;
using testing::FaultDisk;

constexpr int kStages = 3;

sweep::Plan small_plan() {
  sweep::Plan plan;
  plan.study = "faults";
  for (int i = 0; i < kStages; ++i) {
    sweep::Stage stage;
    stage.kind = sweep::StageKind::Evaluate;
    stage.config = {{"seed", i}};
    stage.dataset = "ixi";
    stage.dataset_digest = std::string(64, 'd');
    stage.label = "evaluate " + std::to_string(i);
    stage.id = sweep::stage_id(stage);
    plan.stages.push_back(stage);
    plan.trials.push_back({"t" + std::to_string(i), stage.label, {{"evaluate", stage.id}}});
  }
  return plan;
}

/// Long enough for several pages.
boost::json::object body_of(int number) {
  boost::json::array subject;
  boost::json::array slice;
  boost::json::array values;
  for (int i = 0; i < 40; ++i) {
    subject.emplace_back(0);
    slice.emplace_back(i);
    values.emplace_back(number + i / 128.0);
  }
  return {{"scalars", {{"number", number}}},
          {"rows",
           {{"subjects", {"a"}},
            {"subject", std::move(subject)},
            {"slice", std::move(slice)},
            {"values", {{"PSNR", std::move(values)}}}}}};
}

/// What a run of the study does to the database: as a coordinator, it stops at the first failure,
/// or tries the same once more.
class StudyRun {
 public:
  StudyRun(std::filesystem::path file, bool tries_again)
      : file_(std::move(file)), tries_again_(tries_again) {}

  /// True if it came to its end.
  bool go() {
    const sweep::Plan plan = small_plan();
    std::unique_ptr<Store> store;
    if (!step([&] { store = std::make_unique<Store>(file_, Access::ReadWrite); })) return false;
    if (!step([&] { store->end_abandoned_attempts(); })) return false;
    if (!step([&] { store->put_dataset("ixi", std::string(64, 'd'), "ixi.h5", "{}"); }))
      return false;
    if (!step([&] { store->put_plan(plan, "text"); })) return false;
    for (int i = 0; i < kStages; ++i) {
      const std::string& id = plan.stages[i].id;
      bool done = false;
      if (!step([&] { done = store->is_done(id); })) return false;
      if (done) continue;
      std::int64_t fence = 0;
      if (!step([&] {
            store->group([&] { fence = store->begin_attempt(id, "g", "h", "cpu", 1); });
          })) {
        return false;
      }
      EXPECT_GT(fence, fences_.empty() ? 0 : *fences_.rbegin()) << "a fence was used twice";
      fences_.insert(fence);
      if (!step([&] { EXPECT_TRUE(store->commit_result(id, fence, body_of(i))); })) return false;
      acknowledged_.insert(id);
    }
    return true;
  }

  [[nodiscard]] const std::set<std::string>& acknowledged() const { return acknowledged_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  bool step(const std::function<void()>& change) {
    for (int tries = tries_again_ ? 2 : 1; tries > 0; --tries) {
      try {
        change();
        return true;
      } catch (const Error& error) {
        failure_ = error.what();
        EXPECT_TRUE(error.code() == ErrorCode::Unavailable || error.code() == ErrorCode::Exhausted)
            << error.what();
        EXPECT_NE(failure_.find(file_.string()), std::string::npos) << failure_;
      }
    }
    return false;
  }

  std::filesystem::path file_;
  bool tries_again_;
  std::set<std::string> acknowledged_;
  std::set<std::int64_t> fences_;
  std::string failure_;
};

/// Every result of the plan, in its order.
std::string dump(const std::filesystem::path& file) {
  const Store store(file, Access::ReadOnly);
  std::string text;
  for (const sweep::Stage& stage : small_plan().stages) {
    const auto body = store.result(stage.id);
    text += stage.id + " " + (body ? boost::json::serialize(*body) : "nothing") + "\n";
  }
  return text;
}

class DatabaseFaults : public ::testing::Test {
 protected:
  DatabaseFaults() {
    EXPECT_TRUE(StudyRun(folder_ / "calm.db", false).go());
    golden_ = dump(folder_ / "calm.db");
    EXPECT_EQ(golden_.find("nothing"), std::string::npos);
  }

  std::filesystem::path fresh() {
    const std::filesystem::path file = folder_ / ("run" + std::to_string(number_++) + ".db");
    last_ = file;
    return file;
  }

  /// After the fault: nothing acknowledged is lost, the file is sound, and going on ends well.
  void expect_recovery(const std::set<std::string>& acknowledged, const std::string& where) {
    disk_.disarm();
    StudyRun again(last_, false);
    EXPECT_TRUE(again.go()) << where << ": " << again.failure();
    for (const std::string& id : acknowledged) {
      EXPECT_FALSE(again.acknowledged().contains(id)) << where << ": a durable result was lost";
    }
    EXPECT_EQ(dump(last_), golden_) << where;
    const CheckReport report = check(last_);
    EXPECT_TRUE(report.problems.empty()) << where << ": " << report.problems.front();
    EXPECT_EQ(report.results, kStages) << where;
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(last_.string() + suffix, ignored);
    }
  }

  const reprise::testing::TempDir folder_;
  FaultDisk disk_;
  std::string golden_;
  std::filesystem::path last_;
  int number_ = 0;
};

TEST_F(DatabaseFaults, EveryCallFailsOnceAndForEver) {
  int points = 0;
  int survived = 0;
  for (const Fault fault : {Fault::IoError, Fault::Full, Fault::Torn}) {
    for (const bool for_ever : {false, true}) {
      // What lasts is much the same from one call to the next.
      for (int at = 1;; at += for_ever ? 7 : 1) {
        StudyRun run(fresh(), /*tries_again=*/!for_ever);
        disk_.arm(fault, at, for_ever);
        const bool ended = run.go();
        const bool reached = disk_.calls() >= at;
        const std::string where = "fault " + std::to_string(static_cast<int>(fault)) + " at call " +
                                  std::to_string(at) + (for_ever ? " for ever" : " once");
        EXPECT_TRUE(ended || !run.failure().empty()) << where;
        survived += ended && !run.failure().empty() ? 1 : 0;
        expect_recovery(run.acknowledged(), where);
        if (!reached) break;
        ++points;
        ASSERT_FALSE(HasFailure());
      }
    }
  }
  // A run is hundreds of calls; a failure that passes is met by trying again.
  EXPECT_GT(points, 250);
  EXPECT_GT(survived, 25);
}

TEST_F(DatabaseFaults, TheProcessDiesAtEveryCall) {
  int points = 0;
  for (int at = 1;; ++at) {
    StudyRun run(fresh(), false);
    disk_.arm(Fault::Off, at);
    const bool ended = run.go();
    if (disk_.calls() < at) {
      EXPECT_TRUE(ended);
      break;
    }
    expect_recovery(run.acknowledged(), "death at call " + std::to_string(at));
    ++points;
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(points, 80);
}

TEST_F(DatabaseFaults, ThePowerIsCutAndUnsyncedSectorsAreLost) {
  disk_.arm(Fault::None, 0);
  EXPECT_TRUE(StudyRun(fresh(), false).go());
  const int calls = disk_.calls();
  constexpr std::uint64_t kSeeds = 500;
  int acknowledged = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const int at = 1 + static_cast<int>(seed * 7919 % static_cast<std::uint64_t>(calls));
    StudyRun run(fresh(), false);
    disk_.arm(Fault::Off, at);
    run.go();
    disk_.lose_unsynced(seed);
    acknowledged += static_cast<int>(run.acknowledged().size());
    expect_recovery(run.acknowledged(), "power cut, seed " + std::to_string(seed));
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(acknowledged, 250);
}

}  // namespace
}  // namespace reprise::db
