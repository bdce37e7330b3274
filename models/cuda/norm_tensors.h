#pragma once
/// Layer norm and sums of columns on CUDA tensors, enqueued on torch's current stream. Only in
/// builds with CUDA. Everything contiguous float32 on one device.
/// Errors of all: c10::Error when a launch fails.

#include "models/torch.h"

namespace reprise::models::cuda {

/// True if there is a kernel for rows of this tensor's last dimension.
bool takes_norm(const torch::Tensor& x);

struct Normed {
  torch::Tensor out;    ///< As x.
  torch::Tensor stats;  ///< [rows, 2]; undefined if not wanted.
};
Normed norm_forward(const torch::Tensor& x, const torch::Tensor& gain, const torch::Tensor& shift,
                    double epsilon, bool wants_stats);

struct NormGradient {
  torch::Tensor x, gain, shift;
};
NormGradient norm_backward(const torch::Tensor& out_gradient, const torch::Tensor& x,
                           const torch::Tensor& gain, const torch::Tensor& stats);

/// [rows, width] to [width].
torch::Tensor sum_columns(const torch::Tensor& x);

}  // namespace reprise::models::cuda
