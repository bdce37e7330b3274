#pragma once
/// What a GPU says of itself, through NVIDIA's management library, opened at run time: where there
/// is none nothing is known and nothing fails.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace reprise::worker {

class Nvml {
 public:
  /// `library`: file name for dlopen. Without it, or if it cannot be initialised, every answer is
  /// empty.
  explicit Nvml(const std::string& library = "libnvidia-ml.so.1");
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;
  Nvml(Nvml&&) = delete;
  Nvml& operator=(Nvml&&) = delete;

  [[nodiscard]] bool is_open() const { return functions_ != nullptr; }
  /// Joules since the driver was loaded, of the device at this PCI address ("0000:1b:00.0").
  [[nodiscard]] std::optional<double> energy_joules(const std::string& pci_address) const;
  /// Share of the last sample period in which a kernel ran, 0 to 1.
  [[nodiscard]] std::optional<double> utilisation(const std::string& pci_address) const;

 private:
  struct Functions;
  std::unique_ptr<Functions> functions_;
};

}  // namespace reprise::worker
