#include "models/rdst.h"

#include "models/fast_linear.h"
#include "sweep/error.h"

namespace reprise::models {
namespace {

const RdstOptions& checked(const RdstOptions& options) {
  const auto refuse = [](const std::string& text) { throw_invalid("network: " + text); };
  if (options.heads < 1 || options.width % options.heads != 0) {
    refuse("width " + std::to_string(options.width) + " is not a multiple of heads " +
           std::to_string(options.heads));
  }
  if (options.growth < 1 || options.growth % options.heads != 0) {
    refuse("growth " + std::to_string(options.growth) + " is not a multiple of heads " +
           std::to_string(options.heads));
  }
  if (options.window < 1) refuse("window must be at least 1");
  if (options.layers.empty() || options.layers.size() != options.dense_layers.size()) {
    refuse("layers and dense_layers need one value a block");
  }
  return options;
}

}  // namespace

DenseSwinLayerImpl::DenseSwinLayerImpl(const RdstOptions& options, std::int64_t channels,
                                       std::int64_t layers) {
  const auto body = register_module("body", std::make_shared<Group>());
  const auto blocks = body->add("blocks", std::make_shared<Group>());
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::int64_t shift = i % 2 == 0 ? 0 : options.window / 2;
    layers_.push_back(
        blocks->add(std::to_string(i), SwinLayer(channels, options.heads, options.window, shift,
                                                 options.mlp_ratio, options.size)));
  }
  if (channels == options.growth) return;  // The reference then has no bottleneck.
  const auto tail = register_module("tail", std::make_shared<Group>());
  norm_ = tail->add("0", layer_norm(channels));
  bottleneck_ = tail->add("1", nn::Linear(channels, options.growth));
}

torch::Tensor DenseSwinLayerImpl::forward(const torch::Tensor& tokens, SwinPass& pass) {
  torch::Tensor x = tokens;
  for (SwinLayer& layer : layers_) x = pass.run(layer, x);
  if (bottleneck_) x = fast_norm_linear(x, norm_, bottleneck_->weight, bottleneck_->bias);
  return torch::cat({tokens, x}, 2);
}

void DenseSwinLayerImpl::add_layers(SwinLayers& all) const {
  for (const SwinLayer& layer : layers_) all.add(layer);
}

RdstBlockImpl::RdstBlockImpl(const RdstOptions& options, std::int64_t layers,
                             std::int64_t dense_layers) {
  const auto body = register_module("body", std::make_shared<Group>());
  std::int64_t channels = options.width;
  for (std::int64_t i = 0; i < dense_layers; ++i) {
    dense_.push_back(body->add(std::to_string(i), DenseSwinLayer(options, channels, layers)));
    channels += options.growth;
  }
  fusion_ = register_module("conv", conv(channels, options.width, 3));
}

torch::Tensor RdstBlockImpl::forward(const torch::Tensor& tokens, SwinPass& pass) {
  torch::Tensor x = tokens;
  for (DenseSwinLayer& layer : dense_) x = layer(x, pass);
  return pass.convolve_add(fusion_, x, tokens);
}

void RdstBlockImpl::add_layers(SwinLayers& all) const {
  for (const DenseSwinLayer& layer : dense_) layer->add_layers(all);
}

Rdst::Rdst(const RdstOptions& options)
    : options_(checked(options)), layers_(options.window, options.drop_path) {
  const std::int64_t width = options.width;
  sub_mean_ = register_module("sub_mean", mean_shift(options.channels));
  add_mean_ = register_module("add_mean", mean_shift(options.channels));
  head_ = register_module("head", conv(options.channels, width, 3));
  const auto embed = register_module("patch_embed", std::make_shared<Group>());
  embed_norm_ = embed->add("norm", layer_norm(width));
  const auto body = register_module("body", std::make_shared<Group>());
  for (std::size_t i = 0; i < options.layers.size(); ++i) {
    blocks_.push_back(body->add(std::to_string(i),
                                RdstBlock(options, options.layers[i], options.dense_layers[i])));
    blocks_.back()->add_layers(layers_);
  }
  // With global fusion these two exist in the reference's state but are not used.
  norm_ = register_module("norm", layer_norm(width));
  after_body_ = register_module("conv_after_body", conv(width, width, 3));
  if (options.gff) {
    const auto fuse = register_module("bottleneck", std::make_shared<Group>());
    const auto blocks = static_cast<std::int64_t>(blocks_.size());
    fuse0_ = fuse->add("0", nn::Linear(blocks * width, width));
    fuse1_ = fuse->add("1", nn::Linear(width, width));
  }
  tail_ = register_module("tail", Upsampler(width, options.channels, options.scale));
  init_transformer(*this);
}

torch::Tensor Rdst::forward(torch::Tensor lr) {
  const auto rows = lr.size(2), columns = lr.size(3);
  lr = pad_to_multiple(lr, options_.window);
  SwinPass pass = layers_.begin(lr);
  const torch::Tensor features = head_(sub_mean_(lr));  // [B, d, H, W]
  torch::Tensor x = embed_norm_(pass.enter(features));  // [B, H*W, d]
  std::vector<torch::Tensor> outputs;
  for (RdstBlock& block : blocks_) {
    x = block(x, pass);
    if (options_.gff) outputs.push_back(x);
  }
  if (options_.gff) {
    x = fast_linear(torch::cat(outputs, 2), fuse0_->weight, fuse0_->bias);
    x = pass.leave(fast_linear(x, fuse1_->weight, fuse1_->bias));
  } else {
    x = after_body_(pass.leave(norm_(x)));
  }
  const torch::Tensor sr = add_mean_(tail_(x + features));
  return sr.narrow(2, 0, rows * options_.scale).narrow(3, 0, columns * options_.scale);
}

}  // namespace reprise::models
