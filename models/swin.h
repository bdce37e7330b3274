#pragma once
/// The shifted-window transformer layer (paper Eq. 3; SwinIR's layer), on tokens [B, H*W, C].

#include <torch/torch.h>

#include <string>

namespace reprise::models {

/// [B, H, W, C] cut into windows: [B * H/w * W/w, w*w, C], windows row-major inside an image.
torch::Tensor window_partition(const torch::Tensor& image, std::int64_t window);
/// Inverse of `window_partition`.
torch::Tensor window_merge(const torch::Tensor& windows, std::int64_t window, std::int64_t height,
                           std::int64_t width);
/// Index [w*w, w*w] into the relative-position table: query minus key offset, row-major.
torch::Tensor relative_position_index(std::int64_t window);
/// [windows, w*w, w*w] of 0 and -100: pixels that a cyclic shift brought together do not attend.
torch::Tensor shift_mask(std::int64_t height, std::int64_t width, std::int64_t window,
                         std::int64_t shift);

/// LN, window attention (shifted where `shift` > 0), residual, LN, MLP, residual.
class SwinLayerImpl : public torch::nn::Module {
 public:
  /// `size`: side of the images the layer is constructed for (its mask is part of the state).
  SwinLayerImpl(std::int64_t channels, std::int64_t heads, std::int64_t window, std::int64_t shift,
                std::int64_t mlp_ratio, std::int64_t size);
  /// tokens: [B, height * width, C]; height and width are multiples of the window.
  torch::Tensor forward(const torch::Tensor& tokens, std::int64_t height, std::int64_t width);

 private:
  torch::Tensor attention(const torch::Tensor& windows, const torch::Tensor& mask);
  torch::Tensor mask_for(std::int64_t height, std::int64_t width);

  std::int64_t heads_, window_, shift_, size_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Linear qkv_{nullptr}, proj_{nullptr}, fc1_{nullptr}, fc2_{nullptr};
  torch::Tensor table_, index_, mask_;
  torch::Tensor cached_mask_;  ///< For the last other size that was asked for.
  std::int64_t cached_height_ = 0, cached_width_ = 0;
};
TORCH_MODULE(SwinLayer);

/// The reference's initialisation of transformer parts: truncated normal 0.02, bias 0, LN 1 and 0.
void init_transformer(torch::nn::Module& module);

}  // namespace reprise::models
