#pragma once
/// Runs a plan: the scheduler's core, the database, the gangs and the port, in one thread.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "db/store.h"
#include "orchestrator/launcher.h"
#include "orchestrator/routes.h"
#include "orchestrator/workspace.h"
#include "sweep/plan.h"

namespace reprise {

/// A study that joins a running coordinator.
struct AddedStudy {
  std::shared_ptr<const sweep::Plan> plan;
  std::map<std::string, std::filesystem::path> datasets;
};

struct RunOptions {
  std::filesystem::path workspace, worker_binary;
  LauncherKind launcher = LauncherKind::Local;
  SlurmOptions slurm;
  int gangs = 1, ranks = 1, threads = 1;
  int ranks_max = 0;  ///< A gang may grow up to so many ranks where that pays; 0: `ranks` always.
  double share = 1;   ///< What a rank takes of a slot: 0.25 lets four small trials share a GPU.
  std::string bind = "127.0.0.1";
  int port = 0;      ///< 0: any free one.
  bool tls = false;  ///< On loopback too; beyond it always.
  std::int64_t heartbeat_ms = 500, lease_ms = 15000, stall_ms = 300000;
  int failures_max = 3;
  std::int64_t idle_ms = 0;  ///< A gang without work leaves after so long; 0: it stays to the end.
  std::string device = "cpu";
  /// Served beside the coordinator's own routes: the dashboard's pages.
  std::vector<web::Route> site;
  /// Makes a plan of a study file's text, and puts it into the store. Empty: adding is refused.
  std::function<AddedStudy(const std::string& text)> add_study;
  /// Studies that run beside the plan.
  std::vector<AddedStudy> beside;
  /// Asked when stages ended: the studies whose searches decided on more stages, as they are now.
  std::function<std::vector<AddedStudy>()> grown;
};

struct StageStatus {
  const sweep::Stage* stage = nullptr;
  std::string state;  ///< "blocked", "ready", "running", "done", "failed", "aborted", "cancelled".
  std::string gang;
  std::int64_t progress = 0, progress_end = 0;
  double loss = 0, steps_per_second = 0;
  std::string message;
  bool reused = false;
};

class Observer {
 public:
  Observer() = default;
  virtual ~Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  Observer(Observer&&) = delete;
  Observer& operator=(Observer&&) = delete;

  /// A stage's state changed.
  virtual void on_change(const std::vector<StageStatus>& all, const StageStatus& changed) = 0;
  virtual void on_tick(const std::vector<StageStatus>& all) = 0;  ///< About five a second.
  virtual void on_note(const std::string& line) = 0;
};

struct RunOutcome {
  int done = 0;    ///< Including the reused ones.
  int reused = 0;  ///< Results that were there before.
  int failed = 0, aborted = 0;
  bool requeue = false;      ///< By SIGUSR1: the allocation ends soon, another should go on.
  bool interrupted = false;  ///< By SIGINT or SIGTERM; a second one kills the gangs at once.
};

/// Runs what is left of a plan and returns when everything ended or a signal asked to stop.
/// The caller holds the workspace, and the plan has been put into the store. Errors: InvalidInput
/// (a data set without a path), Unavailable (port in use), and whatever the store throws.
RunOutcome run_plan(const WorkspaceLock& held, db::Store& store, const sweep::Plan& plan,
                    const std::map<std::string, std::filesystem::path>& dataset_paths,
                    const RunOptions& options, Observer& observer);

}  // namespace reprise
