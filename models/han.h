#pragma once
/// HAN (Niu et al., "Single image super-resolution via a holistic attention network", 2020).

#include <vector>

#include "models/attention.h"
#include "models/network.h"

namespace reprise::models {

struct HanOptions {
  std::int64_t channels = 1, scale = 4;
  std::int64_t width = 128, groups = 10, blocks = 20, reduction = 16;
};

/// Keys `head.0`, `body.g.body.b.body.{0,2}`, `body.g.body.b.body.3.conv_du.*`,
/// `body.g.body.<blocks>`, `body.<groups>`, `la.gamma`, `csa.{gamma,conv}`, `last_conv`, `last`,
/// `tail.*`.
class Han : public SrNetwork {
 public:
  /// Errors: InvalidInput if the reduction does not divide the width.
  explicit Han(const HanOptions& options);
  torch::Tensor forward(torch::Tensor lr) override;

 private:
  struct Block {
    nn::Conv2d first{nullptr}, second{nullptr};
    ChannelAttention attention{nullptr};
  };
  struct BlockGroup {
    std::vector<Block> blocks;
    nn::Conv2d last{nullptr};
  };

  /// Layer attention over [B, items, C, H, W] (newest item first), returned as [B, items*C, H, W].
  [[nodiscard]] torch::Tensor attend_layers(const torch::Tensor& items) const;
  /// Channel-spatial attention: a 3x3x3 convolution over (channel, row, column) as a gate.
  torch::Tensor attend_pixels(const torch::Tensor& x);

  nn::Conv2d sub_mean_{nullptr}, add_mean_{nullptr}, head_{nullptr}, after_body_{nullptr};
  nn::Conv2d last_conv_{nullptr}, last_{nullptr};
  nn::Conv3d pixel_conv_{nullptr};
  torch::Tensor layer_gamma_, pixel_gamma_;
  std::vector<BlockGroup> groups_;
  Upsampler tail_{nullptr};
};

}  // namespace reprise::models
