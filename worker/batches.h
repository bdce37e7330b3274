#pragma once
/// A rank's share of the global batch of a step, cut from slices that stay in memory.

#include <torch/torch.h>

#include <cstdint>

namespace reprise::worker {

/// The slices of a split as tensors: images [N,C,H,W] float32 in [0,1], labels [N,H,W] uint8.
struct SliceTensors {
  torch::Tensor images;
  torch::Tensor labels;
};

struct BatchRecipe {
  std::int64_t batch = 1;     ///< Global batch.
  std::int64_t hr_patch = 1;  ///< Side of the HR patch in pixels.
  std::int64_t scale = 1;     ///< 1: no LR images are made.
  double noise = 0;           ///< Standard deviation of Gaussian noise added to LR images.
  std::uint64_t seed = 0;
};

struct Batch {
  torch::Tensor hr;      ///< [n,C,p,p] float32.
  torch::Tensor lr;      ///< [n,C,p/scale,p/scale] float32; undefined for scale 1.
  torch::Tensor labels;  ///< [n,p,p] int64.
};

/// The samples [begin, end) of a global batch of `batch` that `rank` of `size` computes: as even as
/// can be, the first ranks take one more.
struct Share {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};
Share share_of(std::int64_t batch, int rank, int size);

/// Draws patches by `sampling.h`; `make(step)` is a pure function of the recipe and the step.
class BatchMaker {
 public:
  /// Errors: InvalidInput for slices smaller than the patch, no slices, or a batch smaller than the
  /// gang.
  BatchMaker(SliceTensors slices, const BatchRecipe& recipe, int rank, int size,
             const torch::Device& device);

  [[nodiscard]] Batch make(std::int64_t step) const;

 private:
  SliceTensors slices_;
  BatchRecipe recipe_;
  Share share_;
  torch::Device device_;
  torch::Tensor reduce_;  ///< [p/scale, p]: degradation of one axis of a patch.
};

}  // namespace reprise::worker
