#include "worker/precision.h"

#include <ATen/autocast_mode.h>

#include <cstdlib>

#include "models/kernels/kernel_set.h"
#include "sweep/error.h"
#include "worker/config.h"

namespace reprise::worker {

Precision precision_named(const std::string& name) {
  if (name == "fp32") return Precision::Fp32;
  if (name == "tf32") return Precision::Tf32;
  if (name == "bf16") return Precision::Bf16;
  throw_invalid("stage config: precision \"" + name + "\" is none of \"fp32\", \"tf32\", \"bf16\"");
}

Precision precision_of(const boost::json::object& config) {
  return config.contains("precision") ? precision_named(config::text(config, "precision"))
                                      : Precision::Fp32;
}

std::string precision_warning(Precision precision, const torch::Device& device) {
  // Measured: ten times the time of float32 (docs/measurements.md).
  return precision == Precision::Bf16 && device.is_cpu() && !models::kernels::has_avx512()
             ? "precision bf16 is slower than fp32 on this processor, which has no AVX-512"
             : "";
}

void set_arithmetic(Precision precision) {
  // Without it cuBLAS may add in another order from one call to the next; read when it starts.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  auto& context = at::globalContext();
  context.setAllowTF32CuBLAS(precision != Precision::Fp32);
  context.setAllowTF32CuDNN(precision != Precision::Fp32);
  context.setBenchmarkCuDNN(false);
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  context.setDeterministicFillUninitializedMemory(false);
}

PrecisionScope::PrecisionScope(Precision precision, const torch::Device& device)
    : is_on_(precision == Precision::Bf16), device_(device.type()) {
  if (!is_on_) return;
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
  // A cache of rounded weights would outlive the step that changes them inside a CUDA graph.
  at::autocast::set_autocast_cache_enabled(!device.is_cuda());
  at::autocast::increment_nesting();
}

PrecisionScope::~PrecisionScope() {
  if (!is_on_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

}  // namespace reprise::worker
