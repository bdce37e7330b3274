#pragma once
/// The noise of `sampling.h`, made where it is needed.

#include <cstdint>

#include "models/torch.h"

namespace reprise::worker {

/// Standard normal numbers of `shape` = [n, ...] float32 for the samples `first` to `first` + n -
/// 1: `pick_noise` of each, in a number of kernels that does not depend on n.
torch::Tensor noise_on_device(std::uint64_t seed, std::int64_t step, std::int64_t first,
                              at::IntArrayRef shape, const torch::Device& device);

}  // namespace reprise::worker
