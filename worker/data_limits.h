#pragma once
/// How much memory a data set may take.

#include <cstddef>
#include <filesystem>

namespace reprise::worker {

/// Bytes.
struct DataLimits {
  std::size_t device = 0;  ///< Of a rank's GPU.
  std::size_t host = 0;    ///< Of a node.
};

/// Half of what is free now on the current CUDA device and in the host's memory, as far as the
/// process's control groups let it; the environment variable REPRISE_DATA_MEMORY_MIB lowers both.
/// `has_device`: false for ranks that compute on the CPU.
/// Errors: InvalidInput where that variable is no number.
DataLimits default_limits(bool has_device);

/// The least that the control group `path` ("/system.slice/x") and those above it still allow,
/// bytes, where the unified hierarchy is mounted at `root`; SIZE_MAX without limits.
std::size_t cgroup_free_bytes(const std::filesystem::path& root, const std::filesystem::path& path);

}  // namespace reprise::worker
