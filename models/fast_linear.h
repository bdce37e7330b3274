#pragma once
/// Linear layers by the fastest correct kernel.
///
/// On the CPU LibTorch's own `linear` calls MKL, which on processors that are not Intel's uses half
/// of the vector width; oneDNN, which LibTorch carries for convolutions, does not, and folds bias,
/// GELU or a residual into the same pass. On CUDA an own kernel does small layers without
/// gradients, norm included, at once (cuda/linear_tensors.h). Elsewhere these are LibTorch's
/// operations.

#include "models/layers.h"

namespace reprise::models {

/// x [..., K] times weight [N, K] transposed, plus bias [N] (or none): [..., N]. Under autocast to
/// bfloat16 the product is in bfloat16.
torch::Tensor fast_linear(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias);
/// residual + fast_linear(x, weight, bias).
torch::Tensor fast_linear_add(const torch::Tensor& x, const torch::Tensor& weight,
                              const torch::Tensor& bias, const torch::Tensor& residual);
/// GELU (by the error function) of linear(x, weight, bias).
torch::Tensor fast_linear_gelu(const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias);

/// fast_linear(layer_norm(x)), and its GELU.
torch::Tensor fast_norm_linear(const torch::Tensor& x, torch::nn::LayerNorm& norm,
                               const torch::Tensor& weight, const torch::Tensor& bias);
torch::Tensor fast_norm_linear_gelu(const torch::Tensor& x, torch::nn::LayerNorm& norm,
                                    const torch::Tensor& weight, const torch::Tensor& bias);

/// residual + convolution(x): 3x3, padded by 1, stride 1. Tokens [B, height * width, C] in the
/// order of pixels in and out.
torch::Tensor fast_conv_add(const torch::Tensor& x, std::int64_t height, std::int64_t width,
                            torch::nn::Conv2d& convolution, const torch::Tensor& residual);

/// True if `fast_linear` takes oneDNN for such an input. For tests and reports.
bool linear_is_fast(const torch::Tensor& x);

}  // namespace reprise::models
