#include "models/rcan.h"

namespace reprise::models {

GatedConvImpl::GatedConvImpl(std::int64_t width) {
  gate_ = register_module("conv0", conv(width, width, 1));
  below_ = register_module("conv1", conv(width, width, 3));
  above_ = register_module("conv2", conv(width, width, 3));
}

torch::Tensor GatedConvImpl::forward(const torch::Tensor& x) {
  torch::Tensor is_below;
  {
    torch::NoGradGuard no_grad;
    // A 1x1 convolution commutes with the exchange of pixels.
    is_below =
        gate_(x).transpose(2, 3).reshape(x.sizes()).contiguous(x.suggest_memory_format()) < 0;
  }
  return torch::where(is_below, below_(x), above_(x));
}

Rcan::Rcan(const RcanOptions& options) {
  const std::int64_t width = options.width;
  check_reduction(width, options.reduction);
  sub_mean_ = register_module("sub_mean", mean_shift(options.channels));
  add_mean_ = register_module("add_mean", mean_shift(options.channels));
  head_ = register_module("head", std::make_shared<Group>())
              ->add("0", conv(options.channels, width, 3));
  const auto body = register_module("body", std::make_shared<Group>());
  for (std::int64_t g = 0; g < options.groups; ++g) {
    const auto items = body->add(std::to_string(g), std::make_shared<Group>())
                           ->add("body", std::make_shared<Group>());
    BlockGroup group;
    for (std::int64_t b = 0; b < options.blocks; ++b) {
      const auto layers = items->add(std::to_string(b), std::make_shared<Group>())
                              ->add("body", std::make_shared<Group>());
      Block block;
      block.first = layers->add("0", GatedConv(width));
      block.second = layers->add("2", GatedConv(width));
      block.attention = layers->add("3", ChannelAttention(width, options.reduction));
      group.blocks.push_back(block);
    }
    group.last = items->add(std::to_string(options.blocks), conv(width, width, 3));
    groups_.push_back(group);
  }
  after_body_ = body->add(std::to_string(options.groups), conv(width, width, 3));
  tail_ = register_module("tail", Upsampler(width, options.channels, options.scale));
}

torch::Tensor Rcan::forward(torch::Tensor lr) {
  const torch::Tensor features = in_fastest_order(head_(sub_mean_(lr)));  // [B, width, H, W]
  torch::Tensor x = features;
  for (BlockGroup& group : groups_) {
    torch::Tensor inner = x;
    for (Block& block : group.blocks) {
      inner = inner + block.attention(block.second(torch::relu(block.first(inner))));
    }
    x = x + group.last(inner);
  }
  return add_mean_(tail_(after_body_(x) + features));
}

}  // namespace reprise::models
