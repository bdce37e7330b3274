#pragma once
/// Where the tokens of an image lie once it is cut into (shifted) windows: computed once a size.

#include <map>
#include <tuple>

#include "models/torch.h"

namespace reprise::models {

/// How Swin layers are computed. All three give the same function; tests hold them against each
/// other.
enum class SwinPath {
  /// The official order of operations: roll, partition, attention, merge, roll. The oracle.
  Reference,
  /// Tokens stay in the order of windows; roll and partition become one gather where windows shift.
  /// LibTorch's operations only: any device and type.
  Rearranged,
  /// Tokens stay in the order of pixels; a fused kernel gathers each window itself. CPU and CUDA,
  /// float32 and bfloat16 (CUDA: in float32 arithmetic), head sizes for which there is a kernel.
  Fused,
};

/// The fastest path that is correct for tokens of this device and type, windows of `window`^2
/// tokens and heads of `head_size`.
SwinPath fastest_path(const torch::Device& device, torch::ScalarType type, std::int64_t window,
                      std::int64_t head_size);

/// Tables for images of one size. "Layout" is the order in which tokens stay between layers.
struct WindowPlan {
  std::int64_t height = 0, width = 0, window = 0, shift = 0;
  SwinPath path = SwinPath::Rearranged;
  /// Rearranged: [H*W] int64, pixel order to layout and back, layout to shifted windows and back.
  torch::Tensor to_layout, from_layout, to_shifted, from_shifted;
  /// Fused: [H*W] int32, the row of each token of each window, unshifted and shifted.
  torch::Tensor place, shifted_place;
  torch::Tensor mask;  ///< [nW, w*w, w*w] float32, 0 or -100: of shifted windows.

  [[nodiscard]] std::int64_t windows() const { return height * width / (window * window); }
  [[nodiscard]] std::int64_t tokens() const { return window * window; }
  /// [B, H*W, C] from the order of pixels to that of the layout.
  [[nodiscard]] torch::Tensor enter(const torch::Tensor& tokens) const;
  /// Inverse of `enter`.
  [[nodiscard]] torch::Tensor leave(const torch::Tensor& tokens) const;
};

/// `height` and `width` are multiples of `window`.
WindowPlan make_window_plan(std::int64_t height, std::int64_t width, std::int64_t window,
                            SwinPath path, const torch::Device& device);

/// Plans by size, path and device; a network keeps one.
class WindowPlans {
 public:
  explicit WindowPlans(std::int64_t window) : window_(window) {}
  const WindowPlan& at(std::int64_t height, std::int64_t width, SwinPath path,
                       const torch::Device& device);

 private:
  std::int64_t window_;
  std::map<std::tuple<std::int64_t, std::int64_t, SwinPath, std::string>, WindowPlan> plans_;
};

/// [w*w (key) * w*w (query), (2w-1)^2] float32, one 1 a row: times the relative-position tables of
/// all layers it gives all their biases in one matrix product, whose gradient is one too (a
/// gather's would be a scatter, slow and on CUDA in no fixed order).
torch::Tensor position_selector(std::int64_t window, const torch::Device& device);

/// The biases of layers with these tables ((2w-1)^2, heads): [heads, w*w (key), w*w (query)] each.
std::vector<torch::Tensor> position_biases(const std::vector<torch::Tensor>& tables,
                                           const torch::Tensor& selector, std::int64_t window);

}  // namespace reprise::models
