#include "models/rdn.h"

namespace reprise::models {

Rdn::Rdn(const RdnOptions& options) {
  const std::int64_t width = options.width;
  sub_mean_ = register_module("sub_mean", mean_shift(options.channels));
  add_mean_ = register_module("add_mean", mean_shift(options.channels));
  head_ = register_module("head", std::make_shared<Group>())
              ->add("0", conv(options.channels, width, 3));
  first_ = register_module("F0", conv(width, width, 3));
  const auto body = register_module("body", std::make_shared<Group>());
  for (std::int64_t i = 0; i < options.blocks; ++i) {
    const auto group = body->add(std::to_string(i), std::make_shared<Group>());
    const auto layers = group->add("body", std::make_shared<Group>());
    Block block;
    std::int64_t channels = width;
    for (std::int64_t j = 0; j < options.layers; ++j, channels += options.growth) {
      block.layers.push_back(layers->add(std::to_string(j), std::make_shared<Group>())
                                 ->add("body", std::make_shared<Group>())
                                 ->add("0", conv(channels, options.growth, 3)));
    }
    block.fusion = group->add("bottle_neck", conv(channels, width, 1));
    blocks_.push_back(block);
  }
  const auto fusion = register_module("bottleneck", std::make_shared<Group>());
  fusion0_ = fusion->add("0", conv(options.blocks * width, width, 1));
  fusion1_ = fusion->add("1", conv(width, width, 3));
  tail_ = register_module("tail", Upsampler(width, options.channels, options.scale));
}

torch::Tensor Rdn::forward(torch::Tensor lr) {
  const torch::Tensor features = in_fastest_order(head_(sub_mean_(lr)));  // [B, width, H, W]
  torch::Tensor x = first_(features);
  std::vector<torch::Tensor> outputs;
  for (Block& block : blocks_) {
    torch::Tensor dense = x;
    for (nn::Conv2d& layer : block.layers) {
      dense = torch::cat({dense, torch::leaky_relu(layer(dense), 0.2)}, 1);
    }
    x = x + block.fusion(dense);
    outputs.push_back(x);
  }
  return add_mean_(tail_(fusion1_(fusion0_(torch::cat(outputs, 1))) + features));
}

}  // namespace reprise::models
