#include "models/vgg.h"

#include <array>

namespace reprise::models {
namespace {

constexpr std::array<std::int64_t, 16> kWidths = {64,  64,  128, 128, 256, 256, 256, 256,
                                                  512, 512, 512, 512, 512, 512, 512, 512};

/// A pooling follows the last convolution of a width, or of the first 512-wide stage.
bool is_pooled(std::size_t layer) {
  return layer == 1 || layer == 3 || layer == 7 || layer == 11 || layer == 15;
}

}  // namespace

Vgg19::Vgg19(VggLayer layer) {
  const auto features = register_module("features", std::make_shared<Group>());
  const std::size_t count = layer == VggLayer::Conv22 ? 4 : kWidths.size();
  std::int64_t in = 3;
  int index = 0;  // torchvision counts convolutions, ReLUs and poolings.
  for (std::size_t i = 0; i < count; ++i) {
    layers_.push_back(features->add(std::to_string(index), conv(in, kWidths[i], 3)));
    in = kWidths[i];
    index += is_pooled(i) ? 3 : 2;
  }
}

torch::Tensor Vgg19::forward(const torch::Tensor& images) {
  const auto channels = images.size(1);
  TORCH_CHECK(channels == 1 || channels == 3, "VGG-19 takes 1 or 3 channels, not ", channels);
  if (!mean_.defined() || mean_.device() != images.device() ||
      mean_.scalar_type() != images.scalar_type()) {
    const auto row = [&](double r, double g, double b) {
      return torch::tensor({r, g, b}, images.options().requires_grad(false)).view({1, 3, 1, 1});
    };
    const torch::InferenceMode normal_tensors(false);  // Kept for later passes, of any mode.
    mean_ = row(0.485, 0.456, 0.406);
    deviation_ = row(0.229, 0.224, 0.225);
  }
  torch::Tensor x = (images - mean_) / deviation_;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    x = layers_[i](x);
    if (i + 1 == layers_.size()) break;  // Before the ReLU.
    x = torch::relu(x);
    if (is_pooled(i)) x = torch::max_pool2d(x, 2, 2);
  }
  return x;
}

}  // namespace reprise::models
