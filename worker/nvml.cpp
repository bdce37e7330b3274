#include "worker/nvml.h"

#include <dlfcn.h>

namespace reprise::worker {
namespace {

// The part of nvml.h that is used; its binary interface is stable by its documentation.
using Device = void*;
struct Utilization {
  unsigned int gpu, memory;  // Percent.
};
constexpr int kSuccess = 0;

template <typename Function>
bool find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(::dlsym(library, name));
  return function != nullptr;
}

struct Close {
  void operator()(void* library) const { ::dlclose(library); }
};

}  // namespace

struct Nvml::Functions {
  std::unique_ptr<void, Close> library;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*by_address)(const char*, Device*) = nullptr;
  int (*energy)(Device, unsigned long long*) = nullptr;  // Millijoules.
  int (*rates)(Device, Utilization*) = nullptr;

  [[nodiscard]] std::optional<Device> device(const std::string& address) const {
    Device found = nullptr;
    if (by_address(address.c_str(), &found) != kSuccess) return std::nullopt;
    return found;
  }
};

Nvml::Nvml(const std::string& library) {
  auto functions = std::make_unique<Functions>();
  functions->library.reset(::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL));
  void* handle = functions->library.get();
  if (handle == nullptr) return;
  const bool is_complete =
      find(handle, "nvmlInit_v2", functions->init) &&
      find(handle, "nvmlShutdown", functions->shutdown) &&
      find(handle, "nvmlDeviceGetHandleByPciBusId_v2", functions->by_address) &&
      find(handle, "nvmlDeviceGetTotalEnergyConsumption", functions->energy) &&
      find(handle, "nvmlDeviceGetUtilizationRates", functions->rates);
  if (is_complete && functions->init() == kSuccess) functions_ = std::move(functions);
}

Nvml::~Nvml() {
  if (functions_) functions_->shutdown();
}

std::optional<double> Nvml::energy_joules(const std::string& pci_address) const {
  if (!functions_) return std::nullopt;
  const auto device = functions_->device(pci_address);
  unsigned long long millijoules = 0;
  if (!device || functions_->energy(*device, &millijoules) != kSuccess) return std::nullopt;
  return static_cast<double>(millijoules) / 1e3;
}

std::optional<double> Nvml::utilisation(const std::string& pci_address) const {
  if (!functions_) return std::nullopt;
  const auto device = functions_->device(pci_address);
  Utilization rates{};
  if (!device || functions_->rates(*device, &rates) != kSuccess) return std::nullopt;
  return rates.gpu / 100.0;
}

}  // namespace reprise::worker
