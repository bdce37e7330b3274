#pragma once
/// The linear layer for few rows on CUDA tensors, enqueued on torch's current stream. Only in
/// builds with CUDA. No gradients.

#include "models/torch.h"

namespace reprise::models::cuda {

/// out = residual + gelu(norm(x) * weight^T + bias); what is undefined or false is left out.
struct SmallLinear {
  torch::Tensor x;            ///< [..., inputs]
  torch::Tensor weight;       ///< [outputs, inputs]
  torch::Tensor bias;         ///< [outputs]
  torch::Tensor gain, shift;  ///< [inputs] of a layer norm before it.
  double epsilon = 0;         ///< Of the norm.
  bool gelu = false;
  torch::Tensor residual;  ///< [..., outputs]
  /// Not 0: a 3x3 convolution padded by zeros. `x` is then [images, height * width, inputs], the
  /// weight [outputs, inputs, 3, 3].
  std::int64_t height = 0, width = 0;
};

/// True where it is meant to be faster than LibTorch's kernels: CUDA, float32, no gradients, no
/// autocast, few rows.
bool takes(const SmallLinear& layer);

/// [..., outputs]. Errors: c10::Error when the launch fails.
torch::Tensor compute(const SmallLinear& layer);

}  // namespace reprise::models::cuda
