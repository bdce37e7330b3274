#pragma once
/// What a stage cost this process: time, processor, memory, energy.

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "worker/nvml.h"

namespace reprise::worker {

/// Runs from its construction. A meter a stage and process.
class CostMeter {
 public:
  /// `threads`: CPU threads that the stage may use. `pci_address`: of its GPU, empty on a CPU.
  CostMeter(const Nvml& nvml, int threads, std::string pci_address);

  /// For a result's provenance:
  ///   "wall_seconds", "cpu_seconds"  since the start
  ///   "utilisation"   CPU: processor seconds a thread and second; GPU: mean of the samples
  ///   "peak_memory_bytes"  largest resident set since the start
  ///   "energy_joules"  GPU, where its driver counts it; else absent
  [[nodiscard]] boost::json::object read() const;

  /// Adds a sample of the GPU's utilisation, if the last is a second ago: may be called every step.
  void sample();

 private:
  const Nvml& nvml_;
  int threads_;
  std::string pci_address_;
  std::chrono::steady_clock::time_point start_;
  double cpu_start_;
  std::optional<double> energy_start_;
  double utilisation_sum_ = 0;
  std::int64_t samples_ = 0;
  std::optional<std::chrono::steady_clock::time_point> sampled_;
};

}  // namespace reprise::worker
