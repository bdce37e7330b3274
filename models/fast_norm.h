#pragma once
/// Layer norm by the fastest correct kernel: an own one on CUDA for short rows (cuda/norm.h), an
/// own one on the CPU without gradients (kernels/norm_impl.h), LibTorch's elsewhere.

#include "models/layers.h"

namespace reprise::models {

/// norm(x) over the last dimension, with gradients.
torch::Tensor fast_layer_norm(const torch::Tensor& x, torch::nn::LayerNorm& norm);

}  // namespace reprise::models
