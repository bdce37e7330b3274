#pragma once
/// How a network or loss sees the other ranks of its gang: as a differentiable sum.

#include <functional>

#include "models/torch.h"

namespace reprise::models {

/// Returns the element-wise sum of a tensor over all ranks; its backward sums the gradients over
/// all ranks. Empty: there is one rank only.
using SumOverRanks = std::function<torch::Tensor(const torch::Tensor&)>;

}  // namespace reprise::models
