#pragma once
/// The shifted-window transformer layer (paper Eq. 3; SwinIR's layer), on tokens [B, H*W, C].

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/drop_path.h"
#include "models/layers.h"
#include "models/whole_layer.h"
#include "models/window_plan.h"

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
  /// tokens: [B, height * width, C]; height and width are multiples of the window. The official
  /// order of operations.
  torch::Tensor forward(const torch::Tensor& tokens, std::int64_t height, std::int64_t width,
                        const BranchFactors& factors = {});
  /// The same function of tokens in the layout of a plan. `bias`: this layer's, see
  /// `position_biases`.
  torch::Tensor forward_in_plan(const torch::Tensor& tokens, const WindowPlan& plan,
                                const torch::Tensor& bias, const BranchFactors& factors = {});
  /// The relative-position table [(2w-1)^2, heads].
  [[nodiscard]] const torch::Tensor& table() const { return table_; }
  [[nodiscard]] std::int64_t head_size() const { return head_size_; }
  /// True: lays the weights out for `WholeLayer` once, now. They must not change until it is called
  /// again.
  void hold(bool on);

 private:
  [[nodiscard]] WholeLayer whole() const;
  torch::Tensor attention(const torch::Tensor& windows, const torch::Tensor& mask);
  torch::Tensor mask_for(std::int64_t height, std::int64_t width);

  std::int64_t heads_, head_size_, window_, shift_, size_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Linear qkv_{nullptr}, proj_{nullptr}, fc1_{nullptr}, fc2_{nullptr};
  torch::Tensor table_, index_, mask_;
  std::optional<WholeLayer> held_;
  torch::Tensor cached_mask_;  ///< For the last other size that was asked for.
  std::int64_t cached_height_ = 0, cached_width_ = 0;
};
TORCH_MODULE(SwinLayer);

/// One forward pass of a network through its Swin layers, in order: knows where tokens lie.
class SwinPass {
 public:
  /// [B, C, H, W] to tokens [B, H*W, C] in this pass's layout, and back.
  [[nodiscard]] torch::Tensor enter(const torch::Tensor& image) const;
  [[nodiscard]] torch::Tensor leave(const torch::Tensor& tokens) const;
  /// residual + convolution(tokens): 3x3, padded by 1.
  [[nodiscard]] torch::Tensor convolve_add(torch::nn::Conv2d& convolution,
                                           const torch::Tensor& tokens,
                                           const torch::Tensor& residual) const;
  /// Runs the next layer.
  torch::Tensor run(SwinLayer& layer, const torch::Tensor& tokens);

 private:
  friend class SwinLayers;
  std::int64_t height_ = 0, width_ = 0;
  const WindowPlan* plan_ = nullptr;    ///< Null: the reference path.
  std::vector<torch::Tensor> biases_;   ///< One a layer; empty in the reference path.
  std::vector<BranchFactors> factors_;  ///< One a layer; empty where no branch is left out.
  std::size_t next_ = 0;
};

/// The Swin layers of a network: chooses the path, keeps plans, and computes all position biases at
/// once. The layers belong to the network.
class SwinLayers {
 public:
  /// `drop_path`: the last layer's chance of leaving a branch out, in training.
  SwinLayers(std::int64_t window, double drop_path)
      : plans_(window), window_(window), drop_path_(drop_path) {}
  void add(const SwinLayer& layer) { layers_.push_back(layer); }
  /// Every pass takes this path; none: the fastest for its input.
  void set_path(std::optional<SwinPath> path) { path_ = path; }
  /// Random numbers of the passes that follow; without them no branch is left out.
  void set_draws(DropDraws draws) { draws_ = std::move(draws); }
  /// A pass over images of the size, device and type of this one.
  SwinPass begin(const torch::Tensor& image);
  /// True: computes once, now, what depends on weights only. These must not change until it is
  /// called again.
  void hold(bool on);

 private:
  /// That is correct for every layer.
  [[nodiscard]] SwinPath fastest(const torch::Tensor& image) const;
  std::vector<torch::Tensor> biases(const torch::Device& device);

  WindowPlans plans_;
  std::int64_t window_;
  double drop_path_;
  DropDraws draws_;
  std::optional<SwinPath> path_;
  std::vector<SwinLayer> layers_;
  torch::Tensor selector_;
  std::vector<torch::Tensor> held_;
};

/// The reference's initialisation of transformer parts: truncated normal 0.02, bias 0, LN 1 and 0.
void init_transformer(torch::nn::Module& module);

}  // namespace reprise::models
