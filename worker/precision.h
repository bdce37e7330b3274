#pragma once
/// In what precision a stage computes: part of the stage's identity.

#include <boost/json/object.hpp>

#include <string>

#include "models/torch.h"

namespace reprise::worker {

enum class Precision {
  Fp32,
  /// CUDA: products and convolutions round their factors to 10 bits. CPU: the same as Fp32.
  Tf32,
  /// Products, convolutions and attention take bfloat16 factors; weights, sums of layers, norms,
  /// losses and the optimiser stay float32 (PyTorch's autocast).
  Bf16,
};

/// "fp32", "tf32" or "bf16". Errors: InvalidInput for another text.
Precision precision_named(const std::string& name);

/// "precision" of a stage's config; none means fp32. Errors: as above, and for a value that is no
/// text.
Precision precision_of(const boost::json::object& config);

/// Why `precision` is a bad choice on `device`; empty where it is not.
std::string precision_warning(Precision precision, const torch::Device& device);

/// LibTorch's switches that hold for a whole stage: TF32 on or off, deterministic algorithms.
void set_arithmetic(Precision precision);

/// While it lives, this thread's forward passes on `device` run in `precision`. The backward pass
/// runs outside of it, in the types that the forward pass saved.
class PrecisionScope {
 public:
  PrecisionScope(Precision precision, const torch::Device& device);
  ~PrecisionScope();
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;
  PrecisionScope(PrecisionScope&&) = delete;
  PrecisionScope& operator=(PrecisionScope&&) = delete;

 private:
  bool is_on_;
  torch::DeviceType device_;
};

}  // namespace reprise::worker
