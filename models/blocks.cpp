#include "models/blocks.h"

#include "models/kernels/kernel_set.h"
#include "sweep/error.h"

namespace reprise::models {

torch::Tensor in_fastest_order(const torch::Tensor& features) {
  const bool trains = at::GradMode::is_enabled();
  if (features.is_cpu() && trains && !kernels::has_avx512()) return features;
  return features.contiguous(at::MemoryFormat::ChannelsLast);
}

nn::Conv2d mean_shift(std::int64_t channels) {
  nn::Conv2d layer(nn::Conv2dOptions(channels, channels, 1));
  torch::NoGradGuard no_grad;
  layer->weight.copy_(torch::eye(channels).view({channels, channels, 1, 1}));
  layer->bias.zero_();
  layer->weight.requires_grad_(false);
  layer->bias.requires_grad_(false);
  return layer;
}

std::vector<std::int64_t> upsampling_steps(std::int64_t scale) {
  if (scale == 2 || scale == 3) return {scale};
  if (scale == 4) return {2, 2};
  throw_invalid("scale = " + std::to_string(scale) + ": must be 2, 3 or 4");
}

UpsamplerImpl::UpsamplerImpl(std::int64_t width, std::int64_t channels, std::int64_t scale) {
  const std::vector<std::int64_t> factors = upsampling_steps(scale);
  const auto shuffles = register_module("0", std::make_shared<Group>());
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const std::int64_t factor = factors[i];
    steps_.emplace_back(
        shuffles->add(std::to_string(2 * i), conv(width, width * factor * factor, 3)), factor);
  }
  last_ = register_module("1", conv(width, channels, 3));
}

torch::Tensor UpsamplerImpl::forward(torch::Tensor x) {
  for (auto& [layer, factor] : steps_) x = torch::pixel_shuffle(layer(x), factor);
  return last_(x);
}

torch::Tensor pad_to_multiple(const torch::Tensor& image, std::int64_t multiple) {
  const std::int64_t down = (multiple - image.size(2) % multiple) % multiple;
  const std::int64_t right = (multiple - image.size(3) % multiple) % multiple;
  if (down == 0 && right == 0) return image;
  return torch::reflection_pad2d(image, {0, right, 0, down});
}

}  // namespace reprise::models
