#pragma once
/// Image and segmentation metrics as the tables report them, in float64.

#include <string>
#include <vector>

#include "models/torch.h"

namespace reprise::worker {

/// Peak signal-to-noise ratio in dB of `image` against `truth`, both [C,H,W]: data range 1, no
/// clipping, mean squared error over everything but `border` pixels cut from every side.
double psnr(const torch::Tensor& image, const torch::Tensor& truth, int64_t border);

/// Structural similarity with scikit-image's defaults: 7x7 uniform window, sample covariance,
/// K1 0.01, K2 0.03, data range 1; the mean over channels and over windows that lie fully inside
/// the image after the cut of `border`. Both [C,H,W]. Errors: InvalidInput below 7 pixels.
double ssim(const torch::Tensor& image, const torch::Tensor& truth, int64_t border);

/// A group of labels that Dice is reported for.
struct LabelRegion {
  std::string name;         ///< Column "Dice-<name>".
  std::vector<int> labels;  ///< Ascending, without the background.
  /// True: a pixel counts only where its very label is right (one-hot maps added up, the
  /// reference's Dice-T). False: the labels are one region (BraTS' WT, TC, ET).
  bool exact = false;
};

/// Dice coefficient (2 Σ both + 1e-6) / (Σ predicted + Σ truth + 1e-6) of a region.
/// `predicted`, `truth`: integer label maps of equal shapes.
double dice(const torch::Tensor& predicted, const torch::Tensor& truth, const LabelRegion& region);

}  // namespace reprise::worker
