#pragma once
/// Image and segmentation metrics as the tables report them, in float64.

#include <torch/torch.h>

#include <vector>

namespace reprise::worker {

/// Peak signal-to-noise ratio in dB of `image` against `truth`, both [C,H,W]: data range 1, no
/// clipping, mean squared error over everything but `border` pixels cut from every side.
double psnr(const torch::Tensor& image, const torch::Tensor& truth, int64_t border);

/// Structural similarity with scikit-image's defaults: 7x7 uniform window, sample covariance,
/// K1 0.01, K2 0.03, data range 1; the mean over channels and over windows that lie fully inside
/// the image after the cut of `border`. Both [C,H,W]. Errors: InvalidInput below 7 pixels.
double ssim(const torch::Tensor& image, const torch::Tensor& truth, int64_t border);

/// Dice coefficients of one label map against another.
struct Dice {
  std::vector<double> per_class;  ///< Of class 1, 2, ... `classes` - 1.
  double total = 0;               ///< All foreground classes together, as one-hot maps.
};
/// (2 Σ both + 1e-6) / (Σ predicted + Σ truth + 1e-6); `predicted`, `truth`: integers, equal
/// shapes. Classes are 0 (background) to `classes` - 1.
Dice dice(const torch::Tensor& predicted, const torch::Tensor& truth, int64_t classes);

}  // namespace reprise::worker
