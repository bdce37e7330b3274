#include "orchestrator/slurm.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sweep/error.h"

namespace reprise::slurm {
namespace {

LaunchOptions options() {
  LaunchOptions result;
  result.kind = LauncherKind::Slurm;
  result.workspace = "/shared/my workspace";
  result.worker_binary = "/opt/reprise-worker";
  result.ranks = 4;
  result.threads = 2;
  result.device = "cuda";
  result.slurm.partition = "gpu";
  result.slurm.minutes = 90;
  result.slurm.extra = {{"constraint", "a100"}, {"exclusive", ""}};
  return result;
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(Slurm, StepsEndAsAWholeAndShareTheAllocation) {
  const auto words = step_words(options(), "srun-1");
  EXPECT_EQ(words[0], "srun");
  for (const char* word : {"-K1", "--exact", "--mem=0", "--mpi=pmix", "--ntasks=4",
                           "--cpus-per-task=2", "--gpus-per-task=1", "/shared/my workspace"}) {
    EXPECT_TRUE(has(words, word)) << word;
  }
  EXPECT_FALSE(has(words, "--partition=gpu"));
}

TEST(Slurm, PilotsAreNeverRequeuedAndGetASignalBeforeTheLimit) {
  const auto words = pilot_words(options(), "slurm-1", "/w/exec.sh");
  EXPECT_EQ(words[0], "sbatch");
  for (const char* word : {"--no-requeue", "--job-name=slurm-1", "--signal=USR1@120", "--time=90",
                           "--partition=gpu", "--constraint=a100", "--exclusive", "-K1"}) {
    EXPECT_TRUE(has(words, word)) << word;
  }
  const auto script = std::find(words.begin(), words.end(), "/w/exec.sh");
  ASSERT_NE(script, words.end());
  EXPECT_EQ(*(script + 1), "srun");  // What follows the script is its argument, not source.
}

TEST(Slurm, AnAllocationHasRoomForAllGangs) {
  const Allocation allocation{
      .name = "reprise-x", .log = "/w/log", .script = "/w/exec.sh", .gangs = 3};
  const auto words = allocation_words(options(), allocation, {"reprise", "run", "a\nb;c $(d)"});
  for (const char* word :
       {"--ntasks=12", "--requeue", "--signal=B:USR1@120", "--chdir=/shared/my workspace"}) {
    EXPECT_TRUE(has(words, word)) << word;
  }
  EXPECT_EQ(words.back(), "a\nb;c $(d)");
  EXPECT_TRUE(
      has(allocation_words(options(), {.name = "n", .log = "l", .script = "s", .gangs = 0}, {"x"}),
          "--ntasks=1"));
}

TEST(Slurm, FurtherOptionsAreCheckedByName) {
  EXPECT_EQ(parse_extra({"constraint=a100", "exclusive"}),
            (std::map<std::string, std::string>{{"constraint", "a100"}, {"exclusive", ""}}));
  for (const char* bad : {"", "=x", "--mem=4G", "Mem=1", "wrap=rm -rf /", "job-name=x", "a b=c"}) {
    EXPECT_THROW((void)parse_extra({bad}), Error) << bad;
  }
}

TEST(Slurm, NamesKeepOnlySafeCharacters) {
  EXPECT_EQ(job_name("reprise-a\n#SBATCH b/../c"), "reprise-a--SBATCH-b-..-c");
  EXPECT_EQ(job_name(""), "-");
  EXPECT_EQ(job_name(std::string(300, 'a')).size(), 100U);
}

TEST(Slurm, TheQueueIsReadAndWarningsAreNot) {
  const auto jobs = parse_queue(
      "squeue: error: something\n17|RUNNING|None|slurm-1\nnonsense|x\n18|PENDING|launch failed "
      "requeued held|slurm-2\n19_3|NODE_FAIL|NodeDown|a|b\n20|PENDING|Priority|");
  ASSERT_EQ(jobs.size(), 4U);
  EXPECT_EQ(jobs[0].id, "17");
  EXPECT_EQ(phase_of(jobs[0]), JobPhase::Running);
  EXPECT_EQ(phase_of(jobs[1]), JobPhase::Held);
  EXPECT_EQ(jobs[2].name, "a|b");
  EXPECT_EQ(phase_of(jobs[2]), JobPhase::EndedBlameless);
  EXPECT_EQ(jobs[3].name, "");
  EXPECT_EQ(phase_of(jobs[3]), JobPhase::Queued);
  EXPECT_EQ(phase_of({.id = "1", .state = "FAILED", .reason = "", .name = ""}), JobPhase::Ended);
  EXPECT_TRUE(parse_queue("").empty());
  EXPECT_TRUE(parse_queue("|||\n").empty());
}

TEST(Slurm, TheJobsIdIsTheLastNumberedLine) {
  EXPECT_EQ(parse_job_id("17\n"), "17");
  EXPECT_EQ(parse_job_id("sbatch: warning: slow\n17;cluster\n"), "17");
  EXPECT_EQ(parse_job_id("sbatch: error: 5 things\n"), "");
  EXPECT_EQ(parse_job_id("12 monkeys"), "");
}

}  // namespace
}  // namespace reprise::slurm
