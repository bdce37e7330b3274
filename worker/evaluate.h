#pragma once
/// Measures a method on every test slice, the slices dealt out over the gang.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "models/torch.h"
#include "worker/batches.h"
#include "worker/collective.h"
#include "worker/metrics.h"
#include "worker/train.h"

namespace reprise::worker {

struct EvaluateTask {
  SliceTensors slices;       ///< The test split, wherever it is.
  std::vector<int> subject;  ///< [N], of every slice; FID compares the slices of one subject.
  std::int64_t scale = 1;
  double noise = 0;
  std::uint64_t seed = 0;
  /// LR [1,C,h,w] to SR [1,C,H,W]; empty: the HR slice itself is judged, PSNR and SSIM are NaN.
  std::function<torch::Tensor(const torch::Tensor& lr)> method;
  /// Image [1,C,H,W], sides multiples of 32, to logits [1,K,H,W]; empty: no Dice.
  std::function<torch::Tensor(const torch::Tensor& image)> segment;
  /// Image [1,C,H,W] in [0, 1] to features [1,F] of the Fréchet distance; empty: no FID.
  std::function<torch::Tensor(const torch::Tensor& image)> features;
  std::vector<LabelRegion> regions;   ///< What Dice is reported for.
  std::vector<std::string> channels;  ///< Names; PSNR and SSIM are also given for each if several.
  std::int64_t samples = 0;           ///< Slices kept as images, evenly spaced; fewer if there are.
  torch::Device device = torch::kCPU;
};

struct EvaluateOutcome {
  bool finished = false;
  /// At rank 0: "PSNR", "SSIM", "PSNR-<channel>"..., "Dice-<region>"..., "FID" to a value a slice,
  /// in slice order; NaN is "not defined". FID stands at the first slice of its subject.
  std::vector<std::pair<std::string, std::vector<double>>> values;
  /// At rank 0, over the n kept slices: "hr", "sr", "lr" [n,C,H,W] float32, "label" and, where
  /// there is a segmenter, "prediction" (of sr) and "prediction_hr" [n,H,W] uint8, "slice" [n]
  /// int64 (index in the split). Empty without samples.
  std::map<std::string, torch::Tensor> samples;
  double seconds = 0;
};

/// Eval mode is the caller's business. Every rank calls it; only rank 0 gets values.
EvaluateOutcome evaluate(const EvaluateTask& task, Collective& collective, const StageHooks& hooks);

/// The slices that `samples` of `count` keeps: the middles of equal parts of the set.
std::vector<std::int64_t> sampled_slices(std::int64_t count, std::int64_t samples);

}  // namespace reprise::worker
