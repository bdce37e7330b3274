#pragma once
/// The multi-class Dice loss of segmentation_models_pytorch (paper Eq. 10 and 11).

#include <vector>

#include "models/cross_rank.h"
#include "models/torch.h"

namespace reprise::losses {

/// Per class over batch and pixels: 1 - 2 sum(p t) / max(sum(p + t), 1e-7), p the softmax of the
/// logits; 0 for a class that is absent from the target; mean over `classes` (empty: all).
///
/// Shapes    logits [N, K, H, W]; labels [N, H, W] of integers in 0..K-1. Returns a scalar.
/// Ranks     with `sum`, the sums span the gang, and every rank returns the loss of the whole.
torch::Tensor dice_loss(const torch::Tensor& logits, const torch::Tensor& labels,
                        const std::vector<std::int64_t>& classes, const models::SumOverRanks& sum);

}  // namespace reprise::losses
