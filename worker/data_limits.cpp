#include "worker/data_limits.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "sweep/error.h"
#include "worker/device_memory.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

std::size_t available_host_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::size_t kib = 0;
  std::string unit;
  while (file >> key >> kib && std::getline(file, unit)) {
    if (key == "MemAvailable:") return kib << 10U;
  }
  return 0;
}

/// This process's place in the unified hierarchy: the line "0::PATH".
fs::path own_cgroup() {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "/";
}

std::size_t asked_bytes() {
  const char* text = std::getenv("REPRISE_DATA_MEMORY_MIB");
  if (text == nullptr) return SIZE_MAX;
  const std::string_view all(text);
  std::size_t mib = 0;
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), mib);
  if (error != std::errc{} || end != all.data() + all.size() || mib > (SIZE_MAX >> 20U)) {
    throw_invalid("REPRISE_DATA_MEMORY_MIB=\"" + std::string(all) + "\": must be a number of MiB");
  }
  return mib << 20U;
}

/// The gang of a process, if it is a rank of one: "reprise-worker ... --gang NAME ...".
std::optional<std::string> gang_of(const fs::path& command_line) {
  std::ifstream file(command_line, std::ios::binary);
  std::string word;
  if (!std::getline(file, word, '\0') || fs::path(word).filename() != "reprise-worker") return {};
  while (std::getline(file, word, '\0')) {
    if (word == "--gang" && std::getline(file, word, '\0')) return word;
  }
  return {};
}

}  // namespace

std::size_t cgroup_free_bytes(const fs::path& root, const fs::path& path) {
  std::size_t least = SIZE_MAX;
  for (fs::path at = path.relative_path();; at = at.parent_path()) {
    std::size_t limit = 0;
    std::size_t used = 0;
    // "max", no number, is no limit.
    if (std::ifstream(root / at / "memory.max") >> limit &&
        std::ifstream(root / at / "memory.current") >> used) {
      least = std::min(least, limit - std::min(limit, used));
    }
    if (at.empty()) return least;
  }
}

DataLimits default_limits(bool has_device) {
  const std::size_t asked = asked_bytes();
  const std::size_t host =
      std::min(available_host_bytes(), cgroup_free_bytes("/sys/fs/cgroup", own_cgroup()));
  return {.device = has_device ? std::min(asked, free_device_bytes() / 2) : 0,
          .host = std::min(asked, host / 2),
          .host_all = host / 2};
}

DataLimits among_gangs(const DataLimits& limits, std::size_t gangs) {
  DataLimits own = limits;
  own.host = std::min(limits.host, limits.host_all / std::max<std::size_t>(gangs, 1));
  return own;
}

std::size_t gangs_on_node(const fs::path& proc) {
  std::set<std::string> gangs;
  std::error_code error;  // Processes come and go while we look.
  for (fs::directory_iterator at(proc, error), end; !error && at != end; at.increment(error)) {
    if (auto gang = gang_of(at->path() / "cmdline")) gangs.insert(std::move(*gang));
  }
  return std::max<std::size_t>(gangs.size(), 1);
}

}  // namespace reprise::worker
