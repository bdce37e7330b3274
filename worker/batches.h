#pragma once
/// A rank's share of the global batch of a step: where each sample is cut, and the cutting.

#include <cstdint>
#include <future>
#include <string>
#include <vector>

#include "models/torch.h"
#include "worker/slices.h"

namespace reprise::worker {

struct BatchRecipe {
  std::int64_t batch = 1;     ///< Global batch.
  std::int64_t parts = 1;     ///< It is made in so many equal parts.
  std::int64_t hr_patch = 1;  ///< Side of the HR patch in pixels.
  std::int64_t scale = 1;     ///< 1: no LR images are made.
  double noise = 0;           ///< Standard deviation of Gaussian noise added to LR images.
  std::uint64_t seed = 0;
  bool flips = false;      ///< Mirror patches at random along both axes (the paper: no).
  bool rotations = false;  ///< Turn patches at random by quarter turns (the paper: no).
};

/// Where a sample comes from.
struct Placement {
  std::int64_t stored = 0;  ///< Slice among the stored ones.
  std::int64_t top = 0;
  std::int64_t left = 0;
  /// Of the 8 symmetries of a square: 1 mirrors the rows' order, 2 the columns', 4 then swaps both.
  std::int64_t turn = 0;
};

struct Batch {
  torch::Tensor hr;      ///< [n,C,p,p] float32.
  torch::Tensor lr;      ///< [n,C,p/scale,p/scale] float32; undefined for scale 1.
  torch::Tensor labels;  ///< [n,p,p] int64.
  std::int64_t step = 0;
  std::int64_t first = 0;  ///< Index of the first sample in the global batch; the others follow.
  double waited = 0;       ///< Seconds until its patches were read and cut; on a GPU they are not.
};

/// The samples [begin, end) of a global batch of `batch` that `rank` of `size` computes: as even as
/// can be, the first ranks take one more.
struct Share {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};
Share share_of(std::int64_t batch, int rank, int size);

/// Cuts patches of [C,patch,patch] and their labels (uint8) one after the other, on the CPU.
Batch cut_on_host(const SliceTensors& slices, const std::vector<Placement>& placements,
                  std::int64_t patch);

/// The same in a few kernels whatever the number of samples, where `slices` are; not streamed.
Batch cut_on_device(const SliceTensors& slices, const std::vector<Placement>& placements,
                    std::int64_t patch);

/// Draws patches by `sampling.h`; `make` is a pure function of the recipe, the step and the part.
/// Slices on a CUDA device are cut there; others a part ahead, by a thread in the background, and
/// kept until the next step: a critic and its network go through the parts of a step in turn.
class BatchMaker {
 public:
  /// Errors: InvalidInput for slices smaller than the patch, no slices, or a part of a batch
  /// smaller than the gang.
  BatchMaker(SliceTensors slices, const BatchRecipe& recipe, int rank, int size,
             const torch::Device& device);

  /// This rank's share of a part (0-based) of the step's global batch. Not for two threads at once.
  [[nodiscard]] Batch make(std::int64_t step, std::int64_t part = 0) const;

  /// The slices of a step's global batch, for people; at most eight of them.
  [[nodiscard]] std::string describe(std::int64_t step) const;

 private:
  /// The part that is being cut, and of which step.
  struct Ahead {
    std::int64_t step = -1;
    std::int64_t part = -1;
    std::future<Batch> patches;
  };
  /// What was cut of a step.
  struct Kept {
    std::int64_t step = -1;
    std::vector<Batch> parts;  ///< Undefined: not cut yet.
  };

  [[nodiscard]] std::int64_t first_of(std::int64_t part) const;
  [[nodiscard]] std::vector<Placement> place(std::int64_t step, std::int64_t part) const;
  [[nodiscard]] Batch cut_ahead(std::int64_t step, std::int64_t part) const;

  SliceTensors slices_;
  BatchRecipe recipe_;
  Share share_;  ///< Of a part.
  torch::Device device_;
  torch::Tensor reduce_;  ///< [p/scale, p]: degradation of one axis of a patch, on the device.
  mutable Ahead ahead_;
  mutable Kept kept_;
};

}  // namespace reprise::worker
