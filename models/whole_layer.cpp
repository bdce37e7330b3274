#include "models/whole_layer.h"

#include <ATen/autocast_mode.h>

#include <cmath>

#include "models/parallel.h"

namespace reprise::models {
namespace {

using torch::Tensor;

Tensor packed(const torch::nn::Linear& layer) {
  const Tensor weight = layer->weight.detach().contiguous(),
               bias = layer->bias.detach().contiguous();
  Tensor out =
      torch::empty({kernels::packed_size(weight.size(1), weight.size(0))}, weight.options());
  kernels::pack_linear(weight.data_ptr<float>(), bias.data_ptr<float>(), weight.size(1),
                       weight.size(0), out.data_ptr<float>());
  return out;
}

kernels::PackedLinear input_of(const torch::nn::Linear& layer, const Tensor& packed) {
  return {.packed = packed.data_ptr<float>(),
          .in = layer->options.in_features(),
          .out = layer->options.out_features()};
}

kernels::NormInput input_of(const torch::nn::LayerNorm& norm) {
  return {.width = norm->weight.size(0),
          .gain = norm->weight.data_ptr<float>(),
          .shift = norm->bias.data_ptr<float>(),
          .epsilon = static_cast<float>(norm->options.eps())};
}

}  // namespace

bool has_whole_layer(const Tensor& weights) {
  return weights.is_cpu() && weights.scalar_type() == torch::kFloat32 &&
         kernels::kernel_set().swin_layer != nullptr;
}

bool takes_whole_layer(const Tensor& tokens, const WindowPlan& plan, std::int64_t head_size) {
  return plan.path == SwinPath::Fused && has_whole_layer(tokens) &&
         kernels::takes({.tokens = plan.tokens(), .head_size = head_size}) &&
         !at::GradMode::is_enabled() && !at::autocast::is_autocast_enabled(at::kCPU);
}

WholeLayer::WholeLayer(SwinLayerParts parts)
    : parts_(std::move(parts)),
      qkv_(packed(parts_.qkv)),
      proj_(packed(parts_.proj)),
      fc1_(packed(parts_.fc1)),
      fc2_(packed(parts_.fc2)) {}

Tensor WholeLayer::forward(const Tensor& tokens, const WindowPlan& plan, const Tensor& bias,
                           bool shifted, const kernels::KernelSet& set) const {
  const Tensor x = tokens.contiguous(), biases = bias.contiguous();
  Tensor out = torch::empty_like(x);
  const Tensor& place = shifted ? plan.shifted_place : plan.place;
  const auto width = x.size(2), head_size = width / parts_.heads;
  const kernels::SwinLayerInput input{.shape = {.images = x.size(0),
                                                .windows = plan.windows(),
                                                .tokens = plan.tokens(),
                                                .heads = parts_.heads,
                                                .head_size = head_size},
                                      .x = x.data_ptr<float>(),
                                      .place = place.data_ptr<std::int32_t>(),
                                      .bias = biases.data_ptr<float>(),
                                      .mask = shifted ? plan.mask.data_ptr<float>() : nullptr,
                                      .scale = 1.0F / std::sqrt(static_cast<float>(head_size)),
                                      .norm1 = input_of(parts_.norm1),
                                      .norm2 = input_of(parts_.norm2),
                                      .qkv = input_of(parts_.qkv, qkv_),
                                      .proj = input_of(parts_.proj, proj_),
                                      .fc1 = input_of(parts_.fc1, fc1_),
                                      .fc2 = input_of(parts_.fc2, fc2_)};
  parallel_parts(x.size(0) * plan.windows(), 1, [&](std::int64_t begin, std::int64_t end) {
    const Tensor scratch = torch::empty({kernels::swin_layer_scratch(input)}, x.options());
    set.swin_layer(input, out.data_ptr<float>(), scratch.data_ptr<float>(), begin, end);
  });
  return out;
}

}  // namespace reprise::models
