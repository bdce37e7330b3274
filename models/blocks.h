#pragma once
/// Parts that several networks share, under the reference's state-dict keys.

#include <memory>
#include <string>

#include "models/layers.h"

namespace reprise::models {

namespace nn = torch::nn;

/// A module that only carries parameters under a name, so that state keys are the reference's.
class Group : public nn::Module {
 public:
  template <typename T>
  T add(const std::string& name, T child) {
    return register_module(name, child);
  }
  torch::Tensor add_parameter(const std::string& name, torch::Tensor value) {
    return register_parameter(name, std::move(value));
  }
  torch::Tensor add_buffer(const std::string& name, torch::Tensor value) {
    return register_buffer(name, std::move(value));
  }
};

/// Convolution of stride 1 with padding k/2 and bias, in PyTorch's default initialisation.
inline nn::Conv2d conv(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).padding(kernel / 2));
}

/// Over the last dimension, with weight and bias.
inline nn::LayerNorm layer_norm(std::int64_t channels) {
  return nn::LayerNorm(nn::LayerNormOptions({channels}));
}

/// Features [N,C,H,W] in the order of memory in which the convolutions behind, which keep it, are
/// fastest: channels last, but for training on a CPU without AVX-512.
torch::Tensor in_fastest_order(const torch::Tensor& features);

/// Fixed 1x1 convolution: (x - mean) / std, or its inverse; the identity for mean 0 and std 1.
nn::Conv2d mean_shift(std::int64_t channels);

/// The shuffles that make up a scale: {2}, {3} or {2, 2}. Errors: InvalidInput for another scale.
std::vector<std::int64_t> upsampling_steps(std::int64_t scale);

/// Sub-pixel upsampler: for a scale of 2^n, n times (conv C to 4C, shuffle 2), for 3 once with 9C;
/// then conv to `channels`. Keys `0.0`, `0.2`, ..., `1`.
class UpsamplerImpl : public nn::Module {
 public:
  UpsamplerImpl(std::int64_t width, std::int64_t channels, std::int64_t scale);
  /// [N, width, H, W] to [N, channels, scale * H, scale * W].
  torch::Tensor forward(torch::Tensor x);

 private:
  std::vector<std::pair<nn::Conv2d, std::int64_t>> steps_;
  nn::Conv2d last_{nullptr};
};
TORCH_MODULE(Upsampler);

/// The image extended at the bottom and right by reflection to multiples of `multiple`.
/// Throws `c10::Error` if a side is too small to reflect.
torch::Tensor pad_to_multiple(const torch::Tensor& image, std::int64_t multiple);

}  // namespace reprise::models
