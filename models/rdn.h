#pragma once
/// RDN (Zhang et al., "Residual dense network", 2018), with leaky ReLU 0.2 as the paper's code has.

#include <vector>

#include "models/blocks.h"
#include "models/network.h"

namespace reprise::models {

struct RdnOptions {
  std::int64_t channels = 1, scale = 4;
  std::int64_t width = 64, growth = 32;
  std::int64_t layers = 6, blocks = 20;  ///< Convolutions per dense block, dense blocks.
};

/// Keys `head.0`, `F0`, `body.i.body.j.body.0`, `body.i.bottle_neck`, `bottleneck.0`,
/// `bottleneck.1`, `tail.*`.
class Rdn : public SrNetwork {
 public:
  explicit Rdn(const RdnOptions& options);
  torch::Tensor forward(torch::Tensor lr) override;

 private:
  struct Block {
    std::vector<nn::Conv2d> layers;
    nn::Conv2d fusion{nullptr};
  };
  nn::Conv2d sub_mean_{nullptr}, add_mean_{nullptr}, head_{nullptr}, first_{nullptr};
  nn::Conv2d fusion0_{nullptr}, fusion1_{nullptr};
  std::vector<Block> blocks_;
  Upsampler tail_{nullptr};
};

}  // namespace reprise::models
