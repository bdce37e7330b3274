#pragma once
/// ConvNet-lite and ConvNet-large: ConvNeXt blocks (Liu et al., "A ConvNet for the 2020s", 2022)
/// between a convolution and an upsampler.

#include <vector>

#include "models/blocks.h"
#include "models/network.h"

namespace reprise::models {

struct ConvnetOptions {
  std::int64_t channels = 1, scale = 4;
  std::int64_t width = 64, blocks = 16;
};

/// x + gamma * (depthwise conv 7, LN over channels (eps 1e-6), linear to 4C, GELU, linear to C).
/// Keys `dwconv`, `norm`, `pwconv1`, `pwconv2`, `gamma` (starts at 1e-6).
class ConvnetBlockImpl : public nn::Module {
 public:
  explicit ConvnetBlockImpl(std::int64_t width);
  /// [B, C, H, W] to the same.
  torch::Tensor forward(const torch::Tensor& x);

 private:
  nn::Conv2d depthwise_{nullptr};
  nn::LayerNorm norm_{nullptr};
  nn::Linear up_{nullptr}, down_{nullptr};
  torch::Tensor gamma_;
};
TORCH_MODULE(ConvnetBlock);

/// Keys `head.0`, `body.i.*`, `tail.*`; the mean shifts are in the state but, as in the reference,
/// not applied.
class Convnet : public SrNetwork {
 public:
  explicit Convnet(const ConvnetOptions& options);
  torch::Tensor forward(torch::Tensor lr) override;

 private:
  nn::Conv2d head_{nullptr};
  std::vector<ConvnetBlock> blocks_;
  Upsampler tail_{nullptr};
};

}  // namespace reprise::models
