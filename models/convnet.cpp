#include "models/convnet.h"

#include "models/fast_linear.h"

namespace reprise::models {

ConvnetBlockImpl::ConvnetBlockImpl(std::int64_t width) {
  depthwise_ = register_module(
      "dwconv", nn::Conv2d(nn::Conv2dOptions(width, width, 7).padding(3).groups(width)));
  norm_ = register_module("norm", nn::LayerNorm(nn::LayerNormOptions({width}).eps(1e-6)));
  up_ = register_module("pwconv1", nn::Linear(width, 4 * width));
  down_ = register_module("pwconv2", nn::Linear(4 * width, width));
  gamma_ = register_parameter("gamma", torch::full({width}, 1e-6));
}

torch::Tensor ConvnetBlockImpl::forward(const torch::Tensor& x) {
  torch::Tensor hidden = norm_(depthwise_(x).permute({0, 2, 3, 1}));  // [B, H, W, C]
  hidden = fast_linear_gelu(hidden, up_->weight, up_->bias);
  hidden = gamma_ * fast_linear(hidden, down_->weight, down_->bias);
  return x + hidden.permute({0, 3, 1, 2});
}

Convnet::Convnet(const ConvnetOptions& options) {
  register_module("sub_mean", mean_shift(options.channels));
  register_module("add_mean", mean_shift(options.channels));
  head_ = register_module("head", std::make_shared<Group>())
              ->add("0", conv(options.channels, options.width, 3));
  const auto body = register_module("body", std::make_shared<Group>());
  for (std::int64_t i = 0; i < options.blocks; ++i) {
    blocks_.push_back(body->add(std::to_string(i), ConvnetBlock(options.width)));
  }
  tail_ = register_module("tail", Upsampler(options.width, options.channels, options.scale));
}

torch::Tensor Convnet::forward(torch::Tensor lr) {
  const torch::Tensor features = in_fastest_order(head_(lr));  // [B, width, H, W]
  torch::Tensor x = features;
  for (ConvnetBlock& block : blocks_) x = block(x);
  return tail_(x + features);
}

}  // namespace reprise::models
