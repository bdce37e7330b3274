#include "orchestrator/gpus.h"

#include <cstdlib>
#include <sstream>

#include "orchestrator/child_process.h"
#include "sweep/error.h"

namespace reprise {

int gpus_of(const std::optional<std::string>& visible, const std::string& listed) {
  int count = 0;
  std::string entry;
  if (visible) {
    std::istringstream entries(*visible);
    while (std::getline(entries, entry, ',') && !entry.empty() && entry.front() != '-') ++count;
    return count;
  }
  std::istringstream lines(listed);
  while (std::getline(lines, entry)) count += entry.starts_with("GPU ") ? 1 : 0;
  return count;
}

int visible_gpus() {
  constexpr std::int64_t kMostMs = 30'000;
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (visible != nullptr) return gpus_of(visible, "");
  try {
    const CommandEnd end = run_command_line({"nvidia-smi", "--list-gpus"}, kMostMs);
    return end.exit_code == 0 ? gpus_of(std::nullopt, end.output) : 0;
  } catch (const Error&) {
    return 0;
  }
}

}  // namespace reprise
