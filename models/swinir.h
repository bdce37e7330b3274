#pragma once
/// SwinIR and SwinIR-lite (Liang et al., "SwinIR", 2021).

#include <vector>

#include "models/blocks.h"
#include "models/network.h"
#include "models/swin.h"

namespace reprise::models {

struct SwinirOptions {
  std::int64_t channels = 1, scale = 4;
  std::int64_t width = 60, heads = 6, window = 8, mlp_ratio = 2;
  std::vector<std::int64_t> layers = std::vector<std::int64_t>(4, 6);  ///< Swin layers, a block.
  /// Shifts every second layer's windows. The paper's code never did: it built the network for
  /// images of one window.
  bool shift = false;
  /// Two convolutions and shuffles behind a 64-wide one, instead of one shuffle by `scale`.
  bool step_upsampler = false;
  /// The last Swin layer's chance of leaving a branch out in training (models/drop_path.h).
  double drop_path = 0.1;
  std::int64_t size = 24;  ///< Side of the LR patches: fixes the masks that are part of the state.
};

/// Keys as in the official network: `conv_first`, `patch_embed.norm`,
/// `layers.b.residual_group.blocks.i.*`, `layers.b.conv`, `norm`, `conv_after_body`, then
/// `upsample.0`, or `conv_before_upsample.0`, `upsample.0`, `upsample.2`, `conv_last`.
///
/// Images whose sides are no multiple of the window are extended by reflection and the output cut.
/// Of three channels the official RGB mean is subtracted and added back.
class Swinir : public SrNetwork, public HasDropPath {
 public:
  /// Errors: InvalidInput if the heads do not divide the width, or for an impossible scale.
  explicit Swinir(const SwinirOptions& options);
  torch::Tensor forward(torch::Tensor lr) override;
  void set_path(std::optional<SwinPath> path) override { layers_.set_path(path); }
  void set_drop_draws(DropDraws draws) override { layers_.set_draws(std::move(draws)); }
  [[nodiscard]] double drop_rate() const override { return options_.drop_path; }
  void hold_weights(bool on) override { layers_.hold(on); }

 private:
  struct Block {
    std::vector<SwinLayer> layers;
    nn::Conv2d fusion{nullptr};
  };
  torch::Tensor upsample(torch::Tensor x);

  SwinirOptions options_;
  nn::Conv2d first_{nullptr}, after_body_{nullptr}, before_upsample_{nullptr}, last_{nullptr};
  nn::LayerNorm embed_norm_{nullptr}, norm_{nullptr};
  std::vector<Block> blocks_;
  SwinLayers layers_;
  std::vector<std::pair<nn::Conv2d, std::int64_t>> upsample_;
};

}  // namespace reprise::models
