#pragma once
/// RDST, RDST-E and RDST+GFF: the residual dense Swin transformer (paper section 3, Fig. 1).

#include <vector>

#include "models/blocks.h"
#include "models/network.h"
#include "models/swin.h"
#include "models/torch.h"

namespace reprise::models {

struct RdstOptions {
  std::int64_t channels = 1, scale = 4;
  std::int64_t width = 60;   ///< d of the paper.
  std::int64_t growth = 30;  ///< g of the paper.
  std::int64_t heads = 6, window = 8, mlp_ratio = 2;
  std::vector<std::int64_t> layers = std::vector<std::int64_t>(8, 2);  ///< STL per DSTB, a block.
  std::vector<std::int64_t> dense_layers = std::vector<std::int64_t>(8, 3);  ///< DSTB a block.
  bool gff = false;  ///< Global feature fusion (Fig. 9), by two linear layers.
  /// The last Swin layer's chance of leaving a branch out in training (models/drop_path.h). The
  /// released code stores 0.1 and never passes it on.
  double drop_path = 0;
  std::int64_t size = 24;  ///< Side of the LR patches: fixes the masks that are part of the state.
};

/// Dense Swin layer (Eq. 4): Swin layers, then LN and a linear bottleneck, concatenated to the
/// input.
class DenseSwinLayerImpl : public nn::Module {
 public:
  DenseSwinLayerImpl(const RdstOptions& options, std::int64_t channels, std::int64_t layers);
  /// [B, H*W, D] to [B, H*W, D + growth].
  torch::Tensor forward(const torch::Tensor& tokens, SwinPass& pass);
  void add_layers(SwinLayers& all) const;

 private:
  std::vector<SwinLayer> layers_;
  nn::LayerNorm norm_{nullptr};
  nn::Linear bottleneck_{nullptr};
};
TORCH_MODULE(DenseSwinLayer);

/// Residual dense block (Eq. 5): dense layers, then a 3x3 convolution back to the width.
class RdstBlockImpl : public nn::Module {
 public:
  RdstBlockImpl(const RdstOptions& options, std::int64_t layers, std::int64_t dense_layers);
  torch::Tensor forward(const torch::Tensor& tokens, SwinPass& pass);
  void add_layers(SwinLayers& all) const;

 private:
  std::vector<DenseSwinLayer> dense_;
  nn::Conv2d fusion_{nullptr};
};
TORCH_MODULE(RdstBlock);

/// Images whose sides are no multiple of the window are extended by reflection and the output cut.
class Rdst : public SrNetwork, public HasDropPath {
 public:
  /// Errors: InvalidInput for impossible options (width or growth not divisible by heads ...).
  explicit Rdst(const RdstOptions& options);
  torch::Tensor forward(torch::Tensor lr) override;
  void set_path(std::optional<SwinPath> path) override { layers_.set_path(path); }
  void set_drop_draws(DropDraws draws) override { layers_.set_draws(std::move(draws)); }
  [[nodiscard]] double drop_rate() const override { return options_.drop_path; }
  void hold_weights(bool on) override { layers_.hold(on); }

 private:
  RdstOptions options_;
  nn::Conv2d sub_mean_{nullptr}, add_mean_{nullptr}, head_{nullptr}, after_body_{nullptr};
  nn::LayerNorm embed_norm_{nullptr}, norm_{nullptr};
  nn::Linear fuse0_{nullptr}, fuse1_{nullptr};
  std::vector<RdstBlock> blocks_;
  SwinLayers layers_;
  Upsampler tail_{nullptr};
};

}  // namespace reprise::models
