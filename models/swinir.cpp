#include "models/swinir.h"

#include "sweep/error.h"

namespace reprise::models {
namespace {

constexpr std::int64_t kStepWidth = 64;  // Of the step upsampler, fixed in the official network.

const SwinirOptions& checked(const SwinirOptions& options) {
  if (options.heads < 1 || options.width % options.heads != 0) {
    throw_invalid("network: width " + std::to_string(options.width) +
                  " is not a multiple of heads " + std::to_string(options.heads));
  }
  return options;
}

}  // namespace

Swinir::Swinir(const SwinirOptions& options)
    : options_(checked(options)), layers_(options.window, options.drop_path) {
  const std::int64_t width = options.width;
  first_ = register_module("conv_first", conv(options.channels, width, 3));
  embed_norm_ =
      register_module("patch_embed", std::make_shared<Group>())->add("norm", layer_norm(width));
  const auto blocks = register_module("layers", std::make_shared<Group>());
  for (std::size_t b = 0; b < options.layers.size(); ++b) {
    const auto group = blocks->add(std::to_string(b), std::make_shared<Group>());
    const auto layers = group->add("residual_group", std::make_shared<Group>())
                            ->add("blocks", std::make_shared<Group>());
    Block block;
    for (std::int64_t i = 0; i < options.layers[b]; ++i) {
      const std::int64_t shift = options.shift && i % 2 == 1 ? options.window / 2 : 0;
      block.layers.push_back(layers->add(
          std::to_string(i), SwinLayer(width, options.heads, options.window, shift,
                                       options.mlp_ratio, std::max(options.size, options.window))));
      layers_.add(block.layers.back());
    }
    block.fusion = group->add("conv", conv(width, width, 3));
    blocks_.push_back(block);
  }
  norm_ = register_module("norm", layer_norm(width));
  after_body_ = register_module("conv_after_body", conv(width, width, 3));
  const auto shuffles = register_module("upsample", std::make_shared<Group>());
  const std::int64_t scale = options.scale;
  if (!options.step_upsampler) {
    upsample_.emplace_back(shuffles->add("0", conv(width, options.channels * scale * scale, 3)),
                           scale);
  } else {
    before_upsample_ = register_module("conv_before_upsample", std::make_shared<Group>())
                           ->add("0", conv(width, kStepWidth, 3));
    const std::vector<std::int64_t> factors = upsampling_steps(scale);
    for (std::size_t i = 0; i < factors.size(); ++i) {
      const std::int64_t factor = factors[i];
      upsample_.emplace_back(
          shuffles->add(std::to_string(2 * i), conv(kStepWidth, factor * factor * kStepWidth, 3)),
          factor);
    }
    last_ = register_module("conv_last", conv(kStepWidth, options.channels, 3));
  }
  init_transformer(*this);
}

torch::Tensor Swinir::upsample(torch::Tensor x) {
  if (before_upsample_) x = torch::leaky_relu(before_upsample_(x), 0.01);
  for (auto& [layer, factor] : upsample_) x = torch::pixel_shuffle(layer(x), factor);
  return last_ ? last_(x) : x;
}

torch::Tensor Swinir::forward(torch::Tensor lr) {
  const auto rows = lr.size(2), columns = lr.size(3);
  lr = pad_to_multiple(lr, options_.window);
  SwinPass pass = layers_.begin(lr);
  torch::Tensor mean = torch::zeros({1, 1, 1, 1}, lr.options());
  if (options_.channels == 3) {
    mean = torch::tensor({0.4488, 0.4371, 0.4040}, lr.options()).view({1, 3, 1, 1});
  }
  const torch::Tensor features = first_(lr - mean);     // [B, C, H, W]
  torch::Tensor x = embed_norm_(pass.enter(features));  // [B, H*W, C]
  for (Block& block : blocks_) {
    torch::Tensor inner = x;
    for (SwinLayer& layer : block.layers) inner = pass.run(layer, inner);
    x = pass.convolve_add(block.fusion, inner, x);
  }
  const torch::Tensor sr = upsample(after_body_(pass.leave(norm_(x))) + features) + mean;
  return sr.narrow(2, 0, rows * options_.scale).narrow(3, 0, columns * options_.scale);
}

}  // namespace reprise::models
