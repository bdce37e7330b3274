#include "worker/cost_meter.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <utility>

namespace reprise::worker {
namespace {

double process_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Lets the kernel forget the largest resident set so far (not everywhere allowed: then the peak is
/// that of the whole process).
void forget_peak() { std::ofstream("/proc/self/clear_refs") << '5'; }

std::int64_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "VmHWM:") continue;
    std::int64_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

CostMeter::CostMeter(const Nvml& nvml, int threads, std::string pci_address)
    : nvml_(nvml),
      threads_(std::max(1, threads)),
      pci_address_(std::move(pci_address)),
      start_(std::chrono::steady_clock::now()),
      cpu_start_(process_seconds()) {
  forget_peak();
  if (!pci_address_.empty()) energy_start_ = nvml_.energy_joules(pci_address_);
}

void CostMeter::sample() {
  if (pci_address_.empty()) return;
  const auto now_at = std::chrono::steady_clock::now();
  if (sampled_ && now_at - *sampled_ < std::chrono::seconds(1)) return;
  sampled_ = now_at;
  if (const auto now = nvml_.utilisation(pci_address_)) {
    utilisation_sum_ += *now;
    ++samples_;
  }
}

boost::json::object CostMeter::read() const {
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start_;
  const double cpu = process_seconds() - cpu_start_;
  boost::json::object cost{
      {"wall_seconds", wall.count()}, {"cpu_seconds", cpu}, {"peak_memory_bytes", peak_bytes()}};
  if (pci_address_.empty()) {
    cost["utilisation"] = std::min(1.0, cpu / std::max(1e-9, wall.count() * threads_));
  } else if (samples_ > 0) {
    cost["utilisation"] = utilisation_sum_ / static_cast<double>(samples_);
  }
  if (energy_start_) {
    if (const auto now = nvml_.energy_joules(pci_address_)) {
      cost["energy_joules"] = *now - *energy_start_;
    }
  }
  return cost;
}

}  // namespace reprise::worker
