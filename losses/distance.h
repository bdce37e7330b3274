#pragma once
/// Distances between two tensors, as this rank's share of the mean over the global batch.

#include "losses/loss.h"
#include "models/torch.h"

namespace reprise::losses {

enum class Distance : unsigned char { L1, MeanSquare };

/// a, b: equal shapes; `samples`: how many of the global batch's images they come from. Computed in
/// float32 at least.
inline torch::Tensor distance_share(Distance distance, const torch::Tensor& a,
                                    const torch::Tensor& b, std::int64_t samples,
                                    const LossContext& context) {
  const double elements = static_cast<double>(a.numel()) / static_cast<double>(samples) *
                          static_cast<double>(context.global_batch);
  const bool is_short = a.scalar_type() == torch::kBFloat16;
  const torch::Tensor difference = is_short ? a.to(torch::kFloat32) - b.to(torch::kFloat32) : a - b;
  return (distance == Distance::L1 ? difference.abs() : difference.square()).sum() / elements;
}

}  // namespace reprise::losses
