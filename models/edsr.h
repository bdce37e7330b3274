#pragma once
/// EDSR and EDSR-lite (Lim et al., "Enhanced deep residual networks", 2017), as the paper compares
/// them: residual blocks without normalisation.

#include <vector>

#include "models/blocks.h"
#include "models/network.h"

namespace reprise::models {

struct EdsrOptions {
  std::int64_t channels = 1, scale = 4;
  std::int64_t width = 64, blocks = 16;
  double residual_scale = 1.0;  ///< What a block's output is multiplied by before it is added.
  bool leaky = true;            ///< Leaky ReLU of slope 0.2 (EDSR-lite) or ReLU (EDSR).
};

/// Keys `head.0`, `body.i.body.0`, `body.i.body.2`, `body.<blocks>`, `tail.*`.
class Edsr : public SrNetwork {
 public:
  explicit Edsr(const EdsrOptions& options);
  torch::Tensor forward(torch::Tensor lr) override;

 private:
  struct Block {
    nn::Conv2d first{nullptr}, second{nullptr};
  };
  EdsrOptions options_;
  nn::Conv2d sub_mean_{nullptr}, add_mean_{nullptr}, head_{nullptr}, after_body_{nullptr};
  std::vector<Block> blocks_;
  Upsampler tail_{nullptr};
};

}  // namespace reprise::models
