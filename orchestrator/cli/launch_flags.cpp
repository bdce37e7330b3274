#include "orchestrator/cli/launch_flags.h"

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "orchestrator/gpus.h"
#include "orchestrator/slurm.h"
#include "sweep/error.h"

namespace reprise::cli {
namespace {

/// Gangs that this machine's GPUs take. Errors: Unavailable.
int gangs_on_gpus(const LaunchFlags& flags) {
  const int gpus = visible_gpus();
  const int gangs = static_cast<int>(gpus / (flags.ranks * flags.share) + 1e-9);
  if (gangs > 0) return gangs;
  throw Error(ErrorCode::Unavailable,
              "--device cuda: a gang of " + std::to_string(flags.ranks) + " needs as many GPUs, " +
                  (gpus == 0 ? "none is" : "only " + std::to_string(gpus) + " are") +
                  " visible (nvidia-smi, CUDA_VISIBLE_DEVICES)");
}

/// As many gangs as there are places: the allocation's tasks, this machine's GPUs or its cores.
int default_gangs(const LaunchFlags& flags, LauncherKind launcher) {
  const char* tasks = std::getenv("SLURM_NTASKS");
  if (launcher == LauncherKind::Srun && tasks != nullptr) {
    return std::max(1, std::atoi(tasks) / flags.ranks);
  }
  if (launcher == LauncherKind::Slurm) return 4;
  if (launcher == LauncherKind::Local && flags.device == "cuda") return gangs_on_gpus(flags);
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return std::max(1, cores / (flags.ranks * flags.threads));
}

/// Pilot jobs are all of one size, and only on this machine do we hand out the GPUs.
void check_sizes(const LaunchFlags& flags, LauncherKind launcher) {
  if (flags.ranks_max > 0 && flags.ranks_max < flags.ranks) {
    throw_invalid("--ranks-max " + std::to_string(flags.ranks_max) + ": less than --ranks " +
                  std::to_string(flags.ranks));
  }
  if (flags.ranks_max > flags.ranks && launcher == LauncherKind::Slurm) {
    throw_invalid("--ranks-max: pilot jobs are all of --ranks; use --launcher srun or local");
  }
  if (flags.share < 1 && launcher != LauncherKind::Local) {
    throw_invalid("--share: only for --launcher local: Slurm hands out the GPUs of its jobs");
  }
}

}  // namespace

void add_launch_options(CLI::App& command, LaunchFlags& flags) {
  command
      .add_option("--gangs", flags.gangs,
                  "Gangs side by side, at most (default: as many as fit this machine or "
                  "allocation; 4 pilot jobs)")
      ->check(CLI::Range(1, 4096));
  command.add_option("--ranks", flags.ranks, "MPI ranks of a gang (data parallel)")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command
      .add_option("--ranks-max", flags.ranks_max,
                  "Ranks up to which a gang may grow where the stages' measured scaling pays "
                  "(default: --ranks; local and srun)")
      ->check(CLI::Range(1, 4096));
  command
      .add_option("--share", flags.share,
                  "What a rank takes of a GPU: 0.25 lets four small trials share one (local)")
      ->check(CLI::Range(0.05, 1.0))
      ->capture_default_str();
  command.add_option("--threads", flags.threads, "CPU threads of a rank")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command.add_option("--device", flags.device, "cpu, or cuda: one GPU a rank")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  command.add_option("--bind", flags.bind,
                     "Address that gangs and people reach the coordinator by, beyond loopback only "
                     "under TLS (default: 127.0.0.1; with Slurm 0.0.0.0, by this machine's name)");
  command.add_flag("--tls", flags.tls, "TLS on loopback too");
  command
      .add_option("--worker", flags.worker,
                  "Program of a rank (default: reprise-worker beside this program)")
      ->check(CLI::ExistingFile);
  command.add_option("--failures-max", flags.failures_max, "Attempts a stage may fail")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      .add_option("--lease", flags.lease_seconds,
                  "Seconds of silence after which a gang counts as lost")
      ->check(CLI::Range(2, 86400))
      ->capture_default_str();
  command
      .add_option("--stall", flags.stall_seconds,
                  "Seconds without progress of a stage after which its gang counts as stuck")
      ->check(CLI::Range(2, 86400))
      ->capture_default_str();
  const char* group = "Slurm";
  command.add_option("--partition", flags.partition, "Partition")->group(group);
  command.add_option("--account", flags.account, "Account that is charged")->group(group);
  command.add_option("--qos", flags.qos, "Quality of service")->group(group);
  command.add_option("--time", flags.minutes, "Wall-time limit of a job, in minutes")
      ->check(CLI::Range(1, 100000))
      ->group(group);
  command
      .add_option("--grace", flags.grace_seconds,
                  "Seconds before that limit at which stages are checkpointed and handed back")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--idle", flags.idle_seconds,
                  "Seconds after which a pilot job without work is given back")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str()
      ->group(group);
  command.add_option("--poll", flags.poll_seconds, "Seconds between two looks at the queue")
      ->check(CLI::Range(1, 600))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--vanish", flags.vanish_seconds,
                  "Seconds after which a job that nobody has seen is replaced")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--slurm", flags.slurm,
                  "OPTION=VALUE: any other long option of sbatch, without its dashes")
      ->group(group);
}

SlurmOptions slurm_options(const LaunchFlags& flags) {
  SlurmOptions options;
  options.partition = flags.partition;
  options.account = flags.account;
  options.qos = flags.qos;
  options.minutes = flags.minutes;
  options.grace_seconds = flags.grace_seconds;
  options.poll_ms = std::int64_t{1000} * flags.poll_seconds;
  options.vanish_ms = std::int64_t{1000} * flags.vanish_seconds;
  options.extra = slurm::parse_extra(flags.slurm);
  return options;
}

RunOptions run_options(const LaunchFlags& flags, LauncherKind launcher) {
  check_sizes(flags, launcher);
  RunOptions options;
  options.launcher = launcher;
  options.slurm = slurm_options(flags);
  options.gangs = flags.gangs > 0 ? flags.gangs : default_gangs(flags, launcher);
  options.ranks = flags.ranks;
  options.ranks_max = flags.ranks_max;
  options.share = flags.share;
  options.threads = flags.threads;
  if (!flags.bind.empty()) {
    options.bind = flags.bind;
  } else if (launcher != LauncherKind::Local) {
    options.bind = "0.0.0.0";  // Gangs run on other nodes, and know this one by its name.
  }
  options.tls = flags.tls;
  options.failures_max = flags.failures_max;
  options.device = flags.device;
  options.lease_ms = std::int64_t{1000} * flags.lease_seconds;
  options.stall_ms = std::int64_t{1000} * flags.stall_seconds;
  options.worker_binary = flags.worker.empty() ? own_binary().parent_path() / "reprise-worker"
                                               : std::filesystem::absolute(flags.worker);
  if (launcher == LauncherKind::Slurm) options.idle_ms = std::int64_t{1000} * flags.idle_seconds;
  return options;
}

std::vector<std::string> run_words(const LaunchFlags& flags, LauncherKind launcher) {
  std::vector<std::string> words{"--launcher",     std::string(to_string(launcher)),
                                 "--ranks",        std::to_string(flags.ranks),
                                 "--threads",      std::to_string(flags.threads),
                                 "--device",       flags.device,
                                 "--grace",        std::to_string(flags.grace_seconds),
                                 "--idle",         std::to_string(flags.idle_seconds),
                                 "--lease",        std::to_string(flags.lease_seconds),
                                 "--stall",        std::to_string(flags.stall_seconds),
                                 "--failures-max", std::to_string(flags.failures_max)};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {name, value});
  };
  add("--bind", flags.bind);
  if (flags.tls) words.emplace_back("--tls");
  if (!flags.worker.empty()) add("--worker", std::filesystem::absolute(flags.worker));
  if (flags.gangs > 0) add("--gangs", std::to_string(flags.gangs));
  if (flags.ranks_max > 0) add("--ranks-max", std::to_string(flags.ranks_max));
  if (launcher != LauncherKind::Slurm) return words;  // What is left is for sbatch.
  add("--partition", flags.partition);
  add("--account", flags.account);
  add("--qos", flags.qos);
  add("--poll", std::to_string(flags.poll_seconds));
  add("--vanish", std::to_string(flags.vanish_seconds));
  if (flags.minutes > 0) add("--time", std::to_string(flags.minutes));
  for (const std::string& setting : flags.slurm) add("--slurm", setting);
  return words;
}

std::filesystem::path own_binary() { return std::filesystem::read_symlink("/proc/self/exe"); }

}  // namespace reprise::cli
