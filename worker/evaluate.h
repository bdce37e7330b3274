#pragma once
/// Measures a method on every test slice, the slices dealt out over the gang.

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "worker/batches.h"
#include "worker/collective.h"
#include "worker/train.h"

namespace reprise::worker {

struct EvaluateTask {
  SliceTensors slices;  ///< The test split, on the CPU.
  std::int64_t scale = 1;
  double noise = 0;
  std::uint64_t seed = 0;
  /// LR [1,C,h,w] to SR [1,C,H,W]; empty: the HR slice itself is judged, PSNR and SSIM are NaN.
  std::function<torch::Tensor(const torch::Tensor& lr)> method;
  /// Image [1,C,H,W], sides multiples of 32, to logits [1,K,H,W]; empty: no Dice.
  std::function<torch::Tensor(const torch::Tensor& image)> segment;
  std::vector<std::string> label_names;  ///< Of classes 1, 2, ...
  torch::Device device = torch::kCPU;
};

struct EvaluateOutcome {
  bool finished = false;
  /// At rank 0: "PSNR", "SSIM", "Dice-T", "Dice-<label>" to a value a slice, in slice order; NaN is
  /// "not defined".
  std::vector<std::pair<std::string, std::vector<double>>> values;
  double seconds = 0;
};

/// Eval mode is the caller's business. Every rank calls it; only rank 0 gets values.
EvaluateOutcome evaluate(const EvaluateTask& task, Collective& collective, const StageHooks& hooks);

}  // namespace reprise::worker
