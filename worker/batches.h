#pragma once
/// A rank's share of the global batch of a step, cut from slices that stay in memory.

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::worker {

/// The slices of a split as tensors: images [N,C,H,W] float32 in [0,1], labels [N,H,W] uint8.
struct SliceTensors {
  torch::Tensor images;
  torch::Tensor labels;
  std::vector<std::string> names = {};  ///< Of slices, for people: "OAS1_0001 slice 12".
};

struct BatchRecipe {
  std::int64_t batch = 1;     ///< Global batch.
  std::int64_t parts = 1;     ///< It is made in so many equal parts.
  std::int64_t hr_patch = 1;  ///< Side of the HR patch in pixels.
  std::int64_t scale = 1;     ///< 1: no LR images are made.
  double noise = 0;           ///< Standard deviation of Gaussian noise added to LR images.
  std::uint64_t seed = 0;
};

struct Batch {
  torch::Tensor hr;      ///< [n,C,p,p] float32.
  torch::Tensor lr;      ///< [n,C,p/scale,p/scale] float32; undefined for scale 1.
  torch::Tensor labels;  ///< [n,p,p] int64.
  std::int64_t step = 0;
  std::int64_t first = 0;  ///< Index of the first sample in the global batch; the others follow.
};

/// The samples [begin, end) of a global batch of `batch` that `rank` of `size` computes: as even as
/// can be, the first ranks take one more.
struct Share {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};
Share share_of(std::int64_t batch, int rank, int size);

/// Draws patches by `sampling.h`; `make` is a pure function of the recipe, the step and the part.
class BatchMaker {
 public:
  /// Errors: InvalidInput for slices smaller than the patch, no slices, or a part of a batch
  /// smaller than the gang.
  BatchMaker(SliceTensors slices, const BatchRecipe& recipe, int rank, int size,
             const torch::Device& device);

  /// This rank's share of a part (0-based) of the step's global batch.
  [[nodiscard]] Batch make(std::int64_t step, std::int64_t part = 0) const;

  /// The slices of a step's global batch, for people; at most eight of them.
  [[nodiscard]] std::string describe(std::int64_t step) const;

 private:
  SliceTensors slices_;
  BatchRecipe recipe_;
  Share share_;  ///< Of a part.
  torch::Device device_;
  torch::Tensor reduce_;  ///< [p/scale, p]: degradation of one axis of a patch.
};

}  // namespace reprise::worker
