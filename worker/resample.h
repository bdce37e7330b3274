#pragma once
/// Bicubic resampling as two matrix products: Y = R_h · X · R_wᵀ.

#include "models/torch.h"

namespace reprise::worker {

/// [out, in] float32: cubic weights with a = -0.75, sample positions (i + ½)·in/out - ½, borders
/// replicated, no antialiasing (OpenCV's INTER_CUBIC). For in = 4·out each row is (-3, 19, 19,
/// -3)/32.
torch::Tensor resample_matrix(int64_t out, int64_t in);

/// [..., H, W] to [..., rows, columns].
torch::Tensor resample(const torch::Tensor& images, int64_t rows, int64_t columns);

/// The last two axes divided by `scale`. Errors: InvalidInput where they are no multiples of it.
torch::Tensor degrade(const torch::Tensor& images, int64_t scale);

}  // namespace reprise::worker
