#include "models/swin.h"

#include <cmath>

#include "models/blocks.h"
#include "models/fast_linear.h"
#include "models/window_attention.h"

namespace reprise::models {

namespace nn = torch::nn;

torch::Tensor window_partition(const torch::Tensor& image, std::int64_t window) {
  const auto batch = image.size(0), height = image.size(1), width = image.size(2);
  const auto channels = image.size(3);
  return image.view({batch, height / window, window, width / window, window, channels})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, window * window, channels});
}

torch::Tensor window_merge(const torch::Tensor& windows, std::int64_t window, std::int64_t height,
                           std::int64_t width) {
  const auto channels = windows.size(2);
  return windows.view({-1, height / window, width / window, window, window, channels})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({-1, height, width, channels});
}

torch::Tensor relative_position_index(std::int64_t window) {
  const torch::Tensor line = torch::arange(window, torch::kInt64);
  const torch::Tensor y = line.repeat_interleave(window);
  const torch::Tensor x = line.repeat({window});
  const torch::Tensor dy = y.unsqueeze(1) - y.unsqueeze(0) + (window - 1);
  const torch::Tensor dx = x.unsqueeze(1) - x.unsqueeze(0) + (window - 1);
  return dy * (2 * window - 1) + dx;
}

torch::Tensor shift_mask(std::int64_t height, std::int64_t width, std::int64_t window,
                         std::int64_t shift) {
  const auto regions = [&](std::int64_t size) {
    torch::Tensor region = torch::zeros({size}, torch::kInt64);
    region.slice(0, size - window, size - shift).fill_(1);
    region.slice(0, size - shift, size).fill_(2);
    return region;
  };
  const torch::Tensor image =
      (regions(height).unsqueeze(1) * 3 + regions(width).unsqueeze(0)).view({1, height, width, 1});
  const torch::Tensor windows = window_partition(image, window).squeeze(2);  // [nW, w*w]
  const torch::Tensor differs = windows.unsqueeze(1) != windows.unsqueeze(2);
  return differs.to(torch::kFloat32) * -100.0;
}

SwinLayerImpl::SwinLayerImpl(std::int64_t channels, std::int64_t heads, std::int64_t window,
                             std::int64_t shift, std::int64_t mlp_ratio, std::int64_t size)
    : heads_(heads),
      head_size_(channels / heads),
      window_(window),
      shift_(shift),
      size_((size + window - 1) / window * window) {  // Images come padded to whole windows.
  if (size_ <= window_) shift_ = 0;  // The reference's rule: one window covers the image.
  norm1_ = register_module("norm1", nn::LayerNorm(nn::LayerNormOptions({channels})));
  const auto attn = register_module("attn", std::make_shared<Group>());
  const std::int64_t side = 2 * window_ - 1;
  table_ = attn->add_parameter("relative_position_bias_table", torch::zeros({side * side, heads}));
  index_ = attn->add_buffer("relative_position_index", relative_position_index(window_));
  qkv_ = attn->add("qkv", nn::Linear(channels, 3 * channels));
  proj_ = attn->add("proj", nn::Linear(channels, channels));
  norm2_ = register_module("norm2", nn::LayerNorm(nn::LayerNormOptions({channels})));
  const auto mlp = register_module("mlp", std::make_shared<Group>());
  fc1_ = mlp->add("fc1", nn::Linear(channels, mlp_ratio * channels));
  fc2_ = mlp->add("fc2", nn::Linear(mlp_ratio * channels, channels));
  if (shift_ > 0) {
    mask_ = register_buffer("attn_mask", shift_mask(size_, size_, window_, shift_));
  }
}

torch::Tensor SwinLayerImpl::mask_for(std::int64_t height, std::int64_t width) {
  if (shift_ == 0) return {};
  if (height == size_ && width == size_) return mask_;
  if (height != cached_height_ || width != cached_width_) {
    cached_mask_ = shift_mask(height, width, window_, shift_).to(mask_.device());
    cached_height_ = height;
    cached_width_ = width;
  }
  return cached_mask_.to(mask_.scalar_type());
}

torch::Tensor SwinLayerImpl::attention(const torch::Tensor& windows, const torch::Tensor& mask) {
  const auto count = windows.size(0), tokens = windows.size(1), channels = windows.size(2);
  const auto head_size = channels / heads_;
  const torch::Tensor qkv = qkv_(windows)
                                .view({count, tokens, 3, heads_, head_size})
                                .permute({2, 0, 3, 1, 4});  // [3, B*nW, heads, w*w, d]
  const torch::Tensor q = qkv[0] * std::pow(static_cast<double>(head_size), -0.5);
  torch::Tensor logits = torch::matmul(q, qkv[1].transpose(-2, -1));
  logits = logits + table_.index_select(0, index_.view(-1))
                        .view({tokens, tokens, heads_})
                        .permute({2, 0, 1})
                        .unsqueeze(0);
  if (mask.defined()) {
    const auto cells = mask.size(0);
    logits = (logits.view({count / cells, cells, heads_, tokens, tokens}) +
              mask.view({1, cells, 1, tokens, tokens}))
                 .view({count, heads_, tokens, tokens});
  }
  const torch::Tensor out = torch::matmul(torch::softmax(logits, -1), qkv[2]);
  return proj_(out.transpose(1, 2).reshape({count, tokens, channels}));
}

torch::Tensor SwinLayerImpl::forward(const torch::Tensor& tokens, std::int64_t height,
                                     std::int64_t width, const BranchFactors& factors) {
  const auto batch = tokens.size(0), channels = tokens.size(2);
  TORCH_CHECK(height % window_ == 0 && width % window_ == 0, "a Swin layer of window ", window_,
              " needs sides that are multiples of it, not ", height, "x", width);
  torch::Tensor image = norm1_(tokens).view({batch, height, width, channels});
  if (shift_ > 0) image = torch::roll(image, {-shift_, -shift_}, {1, 2});
  const torch::Tensor attended =
      attention(window_partition(image, window_), mask_for(height, width));
  image = window_merge(attended, window_, height, width);
  if (shift_ > 0) image = torch::roll(image, {shift_, shift_}, {1, 2});
  const torch::Tensor x =
      add_branch(tokens, image.view({batch, height * width, channels}), factors.attention);
  return add_branch(x, fc2_(torch::gelu(fc1_(norm2_(x)))), factors.mlp);
}

torch::Tensor SwinLayerImpl::forward_in_plan(const torch::Tensor& tokens, const WindowPlan& plan,
                                             const torch::Tensor& bias,
                                             const BranchFactors& factors) {
  if (!factors.attention.defined() && takes_whole_layer(tokens, plan, head_size_)) {
    return (held_ ? *held_ : whole()).forward(tokens, plan, bias, shift_ > 0);
  }
  const torch::Tensor qkv = fast_norm_linear(tokens, norm1_, qkv_->weight, qkv_->bias);
  const torch::Tensor attended = window_attention(qkv, bias, plan, shift_ > 0, heads_);
  if (factors.attention.defined()) {
    const torch::Tensor x =
        add_branch(tokens, fast_linear(attended, proj_->weight, proj_->bias), factors.attention);
    const torch::Tensor hidden = fast_norm_linear_gelu(x, norm2_, fc1_->weight, fc1_->bias);
    return add_branch(x, fast_linear(hidden, fc2_->weight, fc2_->bias), factors.mlp);
  }
  const torch::Tensor x = fast_linear_add(attended, proj_->weight, proj_->bias, tokens);
  const torch::Tensor hidden = fast_norm_linear_gelu(x, norm2_, fc1_->weight, fc1_->bias);
  return fast_linear_add(hidden, fc2_->weight, fc2_->bias, x);
}

WholeLayer SwinLayerImpl::whole() const {
  return WholeLayer({.norm1 = norm1_,
                     .norm2 = norm2_,
                     .qkv = qkv_,
                     .proj = proj_,
                     .fc1 = fc1_,
                     .fc2 = fc2_,
                     .heads = heads_});
}

void SwinLayerImpl::hold(bool on) {
  held_.reset();
  if (on && has_whole_layer(table_)) held_ = whole();
}

torch::Tensor SwinPass::enter(const torch::Tensor& image) const {
  if (plan_ == nullptr) return image.flatten(2).transpose(1, 2);
  return plan_->enter(image.permute({0, 2, 3, 1}).reshape({image.size(0), -1, image.size(1)}));
}

torch::Tensor SwinPass::leave(const torch::Tensor& tokens) const {
  const auto batch = tokens.size(0), channels = tokens.size(2);
  if (plan_ == nullptr) {
    return tokens.transpose(1, 2).reshape({batch, channels, height_, width_});
  }
  // Tokens in the order of pixels are an image with its channels last, which convolutions like.
  return plan_->leave(tokens).view({batch, height_, width_, channels}).permute({0, 3, 1, 2});
}

torch::Tensor SwinPass::convolve_add(nn::Conv2d& convolution, const torch::Tensor& tokens,
                                     const torch::Tensor& residual) const {
  if (plan_ != nullptr && plan_->path == SwinPath::Fused) {
    return fast_conv_add(tokens, height_, width_, convolution, residual);
  }
  return residual + enter(convolution(leave(tokens)));
}

torch::Tensor SwinPass::run(SwinLayer& layer, const torch::Tensor& tokens) {
  const std::size_t index = next_++;
  const BranchFactors factors = factors_.empty() ? BranchFactors() : factors_.at(index);
  if (plan_ == nullptr) return layer->forward(tokens, height_, width_, factors);
  return layer->forward_in_plan(tokens, *plan_, biases_.at(index), factors);
}

SwinPass SwinLayers::begin(const torch::Tensor& image) {
  SwinPass pass;
  pass.height_ = image.size(2);
  pass.width_ = image.size(3);
  if (drop_path_ > 0 && draws_ && layers_.front()->is_training()) {
    pass.factors_ =
        drop_factors(drop_path_, layers_.size(), image.size(0), draws_, image.options());
  }
  const auto path = path_ ? *path_ : fastest(image);
  if (path == SwinPath::Reference) return pass;
  pass.plan_ = &plans_.at(pass.height_, pass.width_, path, image.device());
  pass.biases_ = held_.empty() ? biases(image.device()) : held_;
  return pass;
}

SwinPath SwinLayers::fastest(const torch::Tensor& image) const {
  for (const SwinLayer& layer : layers_) {
    const auto path =
        fastest_path(image.device(), image.scalar_type(), window_, layer->head_size());
    if (path != SwinPath::Fused) return path;
  }
  return SwinPath::Fused;
}

void SwinLayers::hold(bool on) {
  held_.clear();
  for (SwinLayer& layer : layers_) layer->hold(on);
  if (!on) return;
  const torch::NoGradGuard no_grad;
  held_ = biases(layers_.front()->table().device());
}

std::vector<torch::Tensor> SwinLayers::biases(const torch::Device& device) {
  // The tables are small and are added to logits: never rounded to bfloat16.
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  if (!selector_.defined() || selector_.device() != device) {
    const torch::InferenceMode normal_tensors(false);
    selector_ = position_selector(window_, device);
  }
  std::vector<torch::Tensor> tables;
  for (const SwinLayer& layer : layers_) tables.push_back(layer->table());
  return position_biases(tables, selector_, window_);
}

void init_transformer(nn::Module& module) {
  torch::NoGradGuard no_grad;
  for (auto& child : module.modules(/*include_self=*/false)) {
    if (auto* linear = child->as<nn::LinearImpl>()) {
      // The reference truncates at +-2, which is 100 standard deviations.
      nn::init::normal_(linear->weight, 0.0, 0.02);
      nn::init::zeros_(linear->bias);
    }
  }
  for (auto& parameter : module.named_parameters()) {
    if (parameter.key().find("relative_position_bias_table") != std::string::npos) {
      nn::init::normal_(parameter.value(), 0.0, 0.02);
    }
  }
}

}  // namespace reprise::models
