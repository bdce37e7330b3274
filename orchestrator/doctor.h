#pragma once
/// Looks at a machine before it is trusted with a sweep: each part that a run needs, in use.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace reprise {

/// Missing: not there, and only some runs need it.
enum class Health : std::uint8_t { Ok, Warning, Bad, Missing };
/// "ok", "warning", "BAD", "-".
std::string_view to_string(Health health);

struct Finding {
  std::string subject;  ///< "MPI", "disk", ...
  Health health = Health::Ok;
  std::string text;  ///< What was found.
  std::string fix;   ///< What to do about it; empty where nothing is to be done.
};

struct DoctorOptions {
  std::filesystem::path workspace;      ///< Need not exist: its nearest folder above is looked at.
  std::filesystem::path worker_binary;  ///< reprise-worker
  std::string bind = "127.0.0.1";
  int port = 0;  ///< 0: any free one.
};

/// Starts a few short programs, one after the other; leaves nothing behind. Never throws for what
/// it looks at.
std::vector<Finding> examine(const DoctorOptions& options);

// ---- single parts, for tests ----
/// From `nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader` and its
/// exit code.
Finding gpus_from(int exit_code, const std::string& output);
/// From `ldd WORKER`: libraries that are not found, and where NCCL is.
std::vector<Finding> libraries_from(int exit_code, const std::string& output);
/// From `srun --mpi=list` and `sinfo -h -o "%P %a %D"`.
Finding slurm_from(int mpi_exit, const std::string& mpi, int partitions_exit,
                   const std::string& partitions);
/// From the bytes that are free and all there are, and free inodes.
Finding disk_from(std::uintmax_t free_bytes, std::uintmax_t free_files, bool counts_files);

}  // namespace reprise
