#pragma once
/// Channel attention (Zhang et al., RCAN, 2018), which RCAN and HAN share.

#include "models/blocks.h"

namespace reprise::models {

/// x times sigmoid(conv 1x1 (ReLU(conv 1x1 (mean of x over pixels)))). Keys `conv_du.0`,
/// `conv_du.2`.
class ChannelAttentionImpl : public nn::Module {
 public:
  /// `reduction` divides `width`: the hidden layer has width / reduction channels.
  ChannelAttentionImpl(std::int64_t width, std::int64_t reduction);
  /// [B, C, H, W] to the same.
  torch::Tensor forward(const torch::Tensor& x);

 private:
  nn::Conv2d down_{nullptr}, up_{nullptr};
};
TORCH_MODULE(ChannelAttention);

/// Refuses a width that the reduction does not divide. Errors: InvalidInput.
void check_reduction(std::int64_t width, std::int64_t reduction);

}  // namespace reprise::models
