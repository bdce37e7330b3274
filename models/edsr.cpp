#include "models/edsr.h"

namespace reprise::models {

Edsr::Edsr(const EdsrOptions& options) : options_(options) {
  const std::int64_t width = options.width;
  sub_mean_ = register_module("sub_mean", mean_shift(options.channels));
  add_mean_ = register_module("add_mean", mean_shift(options.channels));
  const auto head = register_module("head", std::make_shared<Group>());
  head_ = head->add("0", conv(options.channels, width, 3));
  const auto body = register_module("body", std::make_shared<Group>());
  for (std::int64_t i = 0; i < options.blocks; ++i) {
    const auto layers = body->add(std::to_string(i), std::make_shared<Group>())
                            ->add("body", std::make_shared<Group>());
    Block block;
    block.first = layers->add("0", conv(width, width, 3));
    block.second = layers->add("2", conv(width, width, 3));
    blocks_.push_back(block);
  }
  after_body_ = body->add(std::to_string(options.blocks), conv(width, width, 3));
  tail_ = register_module("tail", Upsampler(width, options.channels, options.scale));
}

torch::Tensor Edsr::forward(torch::Tensor lr) {
  const torch::Tensor features = in_fastest_order(head_(sub_mean_(lr)));  // [B, width, H, W]
  torch::Tensor x = features;
  for (Block& block : blocks_) {
    torch::Tensor hidden = block.first(x);
    hidden = options_.leaky ? torch::leaky_relu(hidden, 0.2) : torch::relu(hidden);
    x = x + block.second(hidden) * options_.residual_scale;
  }
  return add_mean_(tail_(after_body_(x) + features));
}

}  // namespace reprise::models
