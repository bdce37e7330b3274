#pragma once
/// How gangs start and end: one interface, three ways.
///
///   local   `mpirun` on this machine; a gang dies with the coordinator
///   srun    a step of the Slurm allocation that the coordinator runs in
///   slurm   a Slurm job of its own ("pilot job"), which runs stage after stage and outlives a
///           coordinator that restarts
///
/// A gang's name is new for ever (it holds random digits), so a name that the coordinator does not
/// know is a stale gang, whatever Slurm says. Not thread-safe: the thread that launches must live
/// as long as the gangs do.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace reprise {

enum class LauncherKind : std::uint8_t { Local, Srun, Slurm };
/// "local", "srun", "slurm".
std::string_view to_string(LauncherKind kind);
/// Errors: InvalidInput, naming the nearest kind.
LauncherKind launcher_kind_from(const std::string& name);

struct SlurmOptions {
  std::string partition, account, qos;  ///< Empty: the site's default.
  int minutes = 0;                      ///< Wall-time limit of a job; 0: the partition's.
  int grace_seconds = 120;          ///< Before the limit, gangs are told to checkpoint and leave.
  std::int64_t poll_ms = 5000;      ///< Between two looks at the queue.
  std::int64_t vanish_ms = 120000;  ///< A job that nobody has seen for so long is lost.
  std::int64_t command_ms = 20000;  ///< sbatch, squeue and scancel hang while slurmctld is down.
  /// Further options of sbatch, "constraint" to "a100"; an empty value gives a bare option.
  std::map<std::string, std::string> extra;
};

struct LaunchOptions {
  LauncherKind kind = LauncherKind::Local;
  std::filesystem::path workspace, worker_binary;
  int ranks = 1, threads = 1;
  std::string device = "cpu";
  SlurmOptions slurm;
};

struct GangSubmitted {
  std::string gang, job;
};
/// Its processes are being started: Hello must come soon.
struct GangStarting {
  std::string gang;
};
struct GangExit {
  std::string gang;
  std::string reason;      ///< "exit 1 (see LOG)", "NODE_FAIL": for people.
  bool expected = false;   ///< It left by itself, with success.
  bool blameless = false;  ///< Preemption, a time limit, a lost node: no fault of the stage.
};
using LaunchEvent = std::variant<GangSubmitted, GangStarting, GangExit>;

class Launcher {
 public:
  Launcher() = default;
  virtual ~Launcher() = default;
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;
  Launcher(Launcher&&) = delete;
  Launcher& operator=(Launcher&&) = delete;

  /// `devices`: the GPU of each rank on this machine (local only); jobs have
  /// `LaunchOptions::ranks`. Errors: Unavailable, Exhausted.
  virtual void launch(const std::string& gang, int ranks, const std::vector<int>& devices,
                      std::int64_t now_ms) = 0;
  /// Makes the gang end, gently first; GangExit follows from `poll`.
  virtual void kill(const std::string& gang, std::int64_t now_ms) = 0;
  /// What happened since the last call. `connected`: gangs that hold a line to the coordinator.
  virtual std::vector<LaunchEvent> poll(std::int64_t now_ms,
                                        const std::set<std::string>& connected) = 0;
};

/// WORKSPACE/logs/GANG.log
std::filesystem::path gang_log(const std::filesystem::path& workspace, const std::string& gang);

/// Errors: Unavailable where the way needs Slurm (srun: an allocation) and there is none.
std::unique_ptr<Launcher> make_launcher(const LaunchOptions& options);

/// The words that start a rank: the worker's binary and its arguments.
std::vector<std::string> worker_words(const LaunchOptions& options, const std::string& gang);
/// OMP_NUM_THREADS and its kin, for every child that computes.
std::map<std::string, std::string> thread_variables(int threads);

}  // namespace reprise
