#pragma once
/// How much memory a data set may take.

#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace reprise::worker {

/// Bytes.
struct DataLimits {
  std::size_t device = 0;           ///< Of a rank's GPU.
  std::size_t host = 0;             ///< Of a gang, on each of its nodes.
  std::size_t host_all = SIZE_MAX;  ///< Of all gangs of a node together.
};

/// Half of what is free now on the current CUDA device and in the host's memory, as far as the
/// process's control groups let it; the environment variable REPRISE_DATA_MEMORY_MIB lowers
/// `device` and `host`. `has_device`: false for ranks that compute on the CPU.
/// Errors: InvalidInput where that variable is no number.
DataLimits default_limits(bool has_device);

/// The limits of one gang where `gangs` are on its node: an equal part of what all may take.
DataLimits among_gangs(const DataLimits& limits, std::size_t gangs);

/// How many gangs have ranks on this node, as far as this process can see others, at least one;
/// whatever study, workspace or user started them. `proc`: where the process file system is
/// mounted.
std::size_t gangs_on_node(const std::filesystem::path& proc = "/proc");

/// The least that the control group `path` ("/system.slice/x") and those above it still allow,
/// bytes, where the unified hierarchy is mounted at `root`; SIZE_MAX without limits.
std::size_t cgroup_free_bytes(const std::filesystem::path& root, const std::filesystem::path& path);

}  // namespace reprise::worker
