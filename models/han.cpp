#include "models/han.h"

#include <algorithm>

namespace reprise::models {

Han::Han(const HanOptions& options) {
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
      block.first = layers->add("0", conv(width, width, 3));
      block.second = layers->add("2", conv(width, width, 3));
      block.attention = layers->add("3", ChannelAttention(width, options.reduction));
      group.blocks.push_back(block);
    }
    group.last = items->add(std::to_string(options.blocks), conv(width, width, 3));
    groups_.push_back(group);
  }
  after_body_ = body->add(std::to_string(options.groups), conv(width, width, 3));
  const auto pixels = register_module("csa", std::make_shared<Group>());
  pixel_gamma_ = pixels->add_parameter("gamma", torch::zeros({1}));
  pixel_conv_ = pixels->add("conv", nn::Conv3d(nn::Conv3dOptions(1, 1, 3).padding(1)));
  layer_gamma_ =
      register_module("la", std::make_shared<Group>())->add_parameter("gamma", torch::zeros({1}));
  last_conv_ = register_module("last_conv", conv((options.groups + 1) * width, width, 3));
  last_ = register_module("last", conv(2 * width, width, 3));
  tail_ = register_module("tail", Upsampler(width, options.channels, options.scale));
}

torch::Tensor Han::attend_layers(const torch::Tensor& items) const {
  const torch::Tensor flat = items.flatten(2);  // [B, items, C*H*W]
  const torch::Tensor energy = torch::bmm(flat, flat.transpose(1, 2));
  const torch::Tensor weights = torch::softmax(energy.amax(-1, /*keepdim=*/true) - energy, -1);
  const torch::Tensor attended = torch::bmm(weights, flat).view(items.sizes());
  return (layer_gamma_ * attended + items).flatten(1, 2);
}

torch::Tensor Han::attend_pixels(const torch::Tensor& x) {
  const torch::Tensor gate = torch::sigmoid(pixel_conv_(x.unsqueeze(1))).squeeze(1);
  return x * (pixel_gamma_ * gate) + x;
}

torch::Tensor Han::forward(torch::Tensor lr) {
  const torch::Tensor features = in_fastest_order(head_(sub_mean_(lr)));  // [B, width, H, W]
  torch::Tensor x = features;
  std::vector<torch::Tensor> items;
  for (BlockGroup& group : groups_) {
    torch::Tensor inner = x;
    for (Block& block : group.blocks) {
      inner = inner + block.attention(block.second(torch::relu(block.first(inner))));
    }
    x = x + group.last(inner);
    items.push_back(x.contiguous());
  }
  x = after_body_(x).contiguous();
  items.push_back(x.contiguous());
  std::reverse(items.begin(), items.end());
  const torch::Tensor layers = last_conv_(attend_layers(torch::stack(items, 1)));
  x = last_(torch::cat({attend_pixels(x), layers}, 1));
  return add_mean_(tail_(x + features));
}

}  // namespace reprise::models
