#pragma once
/// RCAN as the paper's code trains it: not the published network (Zhang et al., 2018), but one
/// whose convolutions are gated pairs, which doubles its size.

#include <vector>

#include "models/attention.h"
#include "models/network.h"

namespace reprise::models {

struct RcanOptions {
  std::int64_t channels = 1, scale = 4;
  std::int64_t width = 64, groups = 10, blocks = 20, reduction = 16;
};

/// Per pixel and channel one of two 3x3 convolutions, chosen by the sign of a 1x1 convolution of
/// the transposed image. As in the reference the image's rows and columns are exchanged and the
/// memory is then read as H x W again (a transposition where H = W), and the choice is a constant
/// for the gradient: the 1x1 convolution keeps its random start. Keys `conv0`, `conv1`, `conv2`.
class GatedConvImpl : public nn::Module {
 public:
  explicit GatedConvImpl(std::int64_t width);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  nn::Conv2d gate_{nullptr}, below_{nullptr}, above_{nullptr};
};
TORCH_MODULE(GatedConv);

/// Keys `head.0`, `body.g.body.b.body.{0,2}.*`, `body.g.body.b.body.3.conv_du.*`,
/// `body.g.body.<blocks>`, `body.<groups>`, `tail.*`.
class Rcan : public SrNetwork {
 public:
  /// Errors: InvalidInput if the reduction does not divide the width.
  explicit Rcan(const RcanOptions& options);
  torch::Tensor forward(torch::Tensor lr) override;

 private:
  struct Block {
    GatedConv first{nullptr}, second{nullptr};
    ChannelAttention attention{nullptr};
  };
  struct BlockGroup {
    std::vector<Block> blocks;
    nn::Conv2d last{nullptr};
  };
  nn::Conv2d sub_mean_{nullptr}, add_mean_{nullptr}, head_{nullptr}, after_body_{nullptr};
  std::vector<BlockGroup> groups_;
  Upsampler tail_{nullptr};
};

}  // namespace reprise::models
