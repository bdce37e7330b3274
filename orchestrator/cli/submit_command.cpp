#include <cstdio>
#include <filesystem>
#include <memory>

#include "orchestrator/child_process.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/launch_flags.h"
#include "orchestrator/cli/study_options.h"
#include "orchestrator/slurm.h"
#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSubmitMs = 60000;

struct SubmitFlags {
  StudyOptions study;
  LaunchFlags launch;
  bool pilots = false;
  bool dry_run = false;
};

std::vector<std::string> coordinator_words(const SubmitFlags& flags, const fs::path& workspace,
                                           LauncherKind launcher) {
  std::vector<std::string> words{"env",
                                 "REPRISE_ALLOCATION=1",
                                 own_binary(),
                                 "run",
                                 fs::absolute(flags.study.study),
                                 "--workspace",
                                 workspace,
                                 "--plain"};
  for (const std::string& source : flags.study.sources) {
    const auto equals = source.find('=');
    words.insert(words.end(), {"--source", source.substr(0, equals + 1) +
                                               fs::absolute(source.substr(equals + 1)).string()});
  }
  for (std::string& word : run_words(flags.launch, launcher)) words.push_back(std::move(word));
  return words;
}

std::string one_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

int submit(SubmitFlags flags) {
  const sweep::Study study = load(flags.study);
  const fs::path workspace = fs::absolute(flags.study.workspace).lexically_normal();
  const LauncherKind launcher = flags.pilots ? LauncherKind::Slurm : LauncherKind::Srun;
  if (flags.launch.gangs == 0) flags.launch.gangs = 1;
  LaunchOptions options;
  options.workspace = workspace;
  options.ranks = flags.launch.ranks;
  options.threads = flags.launch.threads;
  options.device = flags.launch.device;
  options.slurm = slurm_options(flags.launch);
  const slurm::Allocation allocation{.name = slurm::job_name("reprise-" + study.name),
                                     .log = workspace / "logs" / "coordinator.log",
                                     .script = workspace / "slurm" / "exec.sh",
                                     .gangs = flags.pilots ? 0 : flags.launch.gangs};
  const auto words =
      slurm::allocation_words(options, allocation, coordinator_words(flags, workspace, launcher));
  if (flags.dry_run) {
    std::printf("%s\n", one_line(words).c_str());
    return 0;
  }
  write_file_atomically(allocation.script, slurm::kBatchScript);
  std::error_code error;
  fs::create_directories(workspace / "logs", error);
  const CommandEnd end = run_command_line(words, kSubmitMs);
  const std::string job = slurm::parse_job_id(end.output);
  if (end.exit_code != 0 || job.empty()) {
    const std::string why = end.timed_out ? "no answer from slurmctld within a minute"
                                          : end.output.substr(0, end.output.find('\n'));
    throw Error(ErrorCode::Unavailable, "sbatch: " + why);
  }
  std::printf("Slurm job %s (log: %s)\n", job.c_str(), allocation.log.c_str());
  return 0;
}

}  // namespace

void add_submit_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<SubmitFlags>();
  CLI::App* command = app.add_subcommand(
      "submit", "Give a study to Slurm: coordinator and gangs in one job, or pilot jobs");
  add_study_options(*command, flags->study);
  add_launch_options(*command, flags->launch);
  command->add_flag("--pilots", flags->pilots,
                    "A small job for the coordinator, which submits at most --gangs jobs of one "
                    "gang each as there is work");
  command->add_flag("--dry-run", flags->dry_run, "Print the sbatch command instead of running it");
  command->callback([flags, &exit] { exit.value = submit(*flags); });
}

}  // namespace reprise::cli
