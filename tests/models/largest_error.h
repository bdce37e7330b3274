#pragma once
/// How far a tensor is from another, at its worst.

#include "models/torch.h"

namespace reprise::models {

/// The largest difference as a share of the largest value of `want`, which is float64.
inline double largest_error(const torch::Tensor& got, const torch::Tensor& want) {
  return (got.to(torch::kFloat64) - want).abs().max().item<double>() /
         want.abs().max().item<double>();
}

}  // namespace reprise::models
