#pragma once
/// The fused window attention on CUDA tensors, enqueued on torch's current stream. Only in builds
/// with CUDA. Shapes and layouts as in kernels/kernel_set.h; everything contiguous float32 on
/// one device, `place` int32. The arithmetic is tested on the CPU
/// (tests/models/block_attention_test.cpp), the launches where there is a GPU
/// (tests/worker/cuda_test.cpp).

#include "models/torch.h"

namespace reprise::models::cuda {

/// True if there is a kernel for such a layer.
bool takes(const torch::Tensor& qkv, std::int64_t tokens, std::int64_t heads);

/// out [B, H*W, C]. `stats`: written if defined. `mask` may be undefined.
/// Errors: c10::Error when the launch fails.
torch::Tensor attention_forward(const torch::Tensor& qkv, const torch::Tensor& bias,
                                const torch::Tensor& place, const torch::Tensor& mask,
                                std::int64_t heads, const torch::Tensor& stats);

struct AttentionGradient {
  torch::Tensor qkv;
  torch::Tensor bias;
};
AttentionGradient attention_backward(const torch::Tensor& out_gradient, const torch::Tensor& qkv,
                                     const torch::Tensor& bias, const torch::Tensor& place,
                                     const torch::Tensor& mask, std::int64_t heads,
                                     const torch::Tensor& stats);

}  // namespace reprise::models::cuda
