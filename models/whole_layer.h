#pragma once
/// A Swin layer without gradients as one kernel on the CPU, a window at a time
/// (kernels/swin_layer_impl.h).

#include "models/kernels/kernel_set.h"
#include "models/layers.h"
#include "models/window_plan.h"

namespace reprise::models {

/// What a Swin layer is made of.
struct SwinLayerParts {
  torch::nn::LayerNorm norm1, norm2;
  torch::nn::Linear qkv, proj, fc1, fc2;
  std::int64_t heads = 1;
};

/// True if this processor has the kernel and takes weights of this place and type.
bool has_whole_layer(const torch::Tensor& weights);

/// True if `WholeLayer` is the fastest for these tokens [B, H*W, C] now: float32 on a CPU without
/// AVX-512, no gradients, no autocast.
bool takes_whole_layer(const torch::Tensor& tokens, const WindowPlan& plan, std::int64_t head_size);

/// The layer's weights as the kernel reads them.
class WholeLayer {
 public:
  /// Copies the weights: float32 on the CPU.
  explicit WholeLayer(SwinLayerParts parts);
  /// tokens [B, H*W, C] to the same. `bias` [heads, key, query]: see `position_biases`; `shifted`:
  /// whether windows are. `set`: whose kernel; it must have one.
  [[nodiscard]] torch::Tensor forward(const torch::Tensor& tokens, const WindowPlan& plan,
                                      const torch::Tensor& bias, bool shifted,
                                      const kernels::KernelSet& set = kernels::kernel_set()) const;

 private:
  SwinLayerParts parts_;
  torch::Tensor qkv_, proj_, fc1_, fc2_;  ///< Packed.
};

}  // namespace reprise::models
