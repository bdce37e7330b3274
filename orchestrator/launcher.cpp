#include "orchestrator/launcher.h"

#include <cstdlib>

#include "orchestrator/pilot_launcher.h"
#include "orchestrator/process_launcher.h"
#include "orchestrator/slurm.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise {

std::string_view to_string(LauncherKind kind) {
  switch (kind) {
    case LauncherKind::Local:
      return "local";
    case LauncherKind::Srun:
      return "srun";
    case LauncherKind::Slurm:
      return "slurm";
  }
  return "unknown";
}

LauncherKind launcher_kind_from(const std::string& name) {
  std::vector<std::string> names;
  for (const auto kind : {LauncherKind::Local, LauncherKind::Srun, LauncherKind::Slurm}) {
    if (name == to_string(kind)) return kind;
    names.emplace_back(to_string(kind));
  }
  throw_invalid("launcher \"" + name + "\": unknown value" + sweep::nearest_hint(name, names));
}

std::filesystem::path gang_log(const std::filesystem::path& workspace, const std::string& gang) {
  return workspace / "logs" / (gang + ".log");
}

std::vector<std::string> worker_words(const LaunchOptions& options, const std::string& gang) {
  return {options.worker_binary,
          "--workspace",
          options.workspace,
          "--gang",
          gang,
          "--device",
          options.device,
          "--threads",
          std::to_string(options.threads)};
}

std::map<std::string, std::string> thread_variables(int threads) {
  std::map<std::string, std::string> result;
  for (const char* key : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}) {
    result[key] = std::to_string(threads);
  }
  return result;
}

std::unique_ptr<Launcher> make_launcher(const LaunchOptions& options) {
  switch (options.kind) {
    case LauncherKind::Local:
      return std::make_unique<ProcessLauncher>(options, mpirun_words);
    case LauncherKind::Srun:
      if (std::getenv("SLURM_JOB_ID") == nullptr) {
        throw Error(ErrorCode::Unavailable,
                    "launcher srun: not inside a Slurm allocation (SLURM_JOB_ID is not set): use "
                    "reprise submit, or salloc first");
      }
      return std::make_unique<ProcessLauncher>(options, slurm::step_words);
    case LauncherKind::Slurm:
      return std::make_unique<PilotLauncher>(options);
  }
  throw Error(ErrorCode::Internal, "unknown launcher");
}

}  // namespace reprise
