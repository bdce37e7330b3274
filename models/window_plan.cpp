#include "models/window_plan.h"

#ifdef REPRISE_MODELS_CUDA
#include "models/cuda/window_attention.h"
#endif
#include "models/fast_linear.h"
#include "models/kernels/kernel_set.h"
#include "models/swin.h"

namespace reprise::models {
namespace {

/// Pixel of each token, windows after one another, of an image rolled by -shift.
torch::Tensor pixels_of_windows(std::int64_t height, std::int64_t width, std::int64_t window,
                                std::int64_t shift) {
  torch::Tensor pixels = torch::arange(height * width, torch::kInt64).view({1, height, width, 1});
  if (shift > 0) pixels = torch::roll(pixels, {-shift, -shift}, {1, 2});
  return window_partition(pixels, window).reshape({-1});
}

}  // namespace

SwinPath fastest_path(const torch::Device& device, torch::ScalarType type, std::int64_t window,
                      std::int64_t head_size) {
  const kernels::AttentionShape shape{
      .images = 1, .windows = 1, .tokens = window * window, .heads = 1, .head_size = head_size};
  const bool is_small = type == torch::kFloat32 || type == torch::kBFloat16;
  bool is_fused = device.is_cpu() && is_small && kernels::takes(shape);
#ifdef REPRISE_MODELS_CUDA
  is_fused = is_fused || (device.is_cuda() && is_small && cuda::takes(window * window, head_size));
#endif
  return is_fused ? SwinPath::Fused : SwinPath::Rearranged;
}

torch::Tensor WindowPlan::enter(const torch::Tensor& tokens) const {
  return path == SwinPath::Rearranged ? tokens.index_select(1, to_layout) : tokens;
}

torch::Tensor WindowPlan::leave(const torch::Tensor& tokens) const {
  return path == SwinPath::Rearranged ? tokens.index_select(1, from_layout) : tokens;
}

WindowPlan make_window_plan(std::int64_t height, std::int64_t width, std::int64_t window,
                            SwinPath path, const torch::Device& device) {
  TORCH_CHECK(height % window == 0 && width % window == 0, "a Swin layer of window ", window,
              " needs sides that are multiples of it, not ", height, "x", width);
  WindowPlan plan;
  plan.height = height;
  plan.width = width;
  plan.window = window;
  plan.shift = window / 2;
  plan.path = path;
  const torch::Tensor plain = pixels_of_windows(height, width, window, 0);
  const torch::Tensor shifted = pixels_of_windows(height, width, window, plan.shift);
  if (path == SwinPath::Fused) {
    plan.place = plain.to(device, torch::kInt32);
    plan.shifted_place = shifted.to(device, torch::kInt32);
  } else {
    const torch::Tensor from_plain = torch::argsort(plain);
    plan.to_layout = plain.to(device);
    plan.from_layout = from_plain.to(device);
    plan.to_shifted = from_plain.index_select(0, shifted).to(device);
    plan.from_shifted = torch::argsort(shifted).index_select(0, plain).to(device);
  }
  plan.mask = shift_mask(height, width, window, plan.shift).to(device);
  return plan;
}

const WindowPlan& WindowPlans::at(std::int64_t height, std::int64_t width, SwinPath path,
                                  const torch::Device& device) {
  const auto key = std::make_tuple(height, width, path, device.str());
  auto found = plans_.find(key);
  if (found == plans_.end()) {
    const torch::InferenceMode normal_tensors(false);  // Kept for later passes, of any mode.
    constexpr std::size_t kMost = 64;  // A volume's slices have one size; this only bounds memory.
    if (plans_.size() >= kMost) plans_.clear();
    found = plans_.emplace(key, make_window_plan(height, width, window_, path, device)).first;
  }
  return found->second;
}

torch::Tensor position_selector(std::int64_t window, const torch::Device& device) {
  // The index is query-major; its transpose is key-major.
  const torch::Tensor index = relative_position_index(window).t().reshape({-1});
  const std::int64_t side = 2 * window - 1;
  return torch::one_hot(index, side * side).to(device, torch::kFloat32);
}

std::vector<torch::Tensor> position_biases(const std::vector<torch::Tensor>& tables,
                                           const torch::Tensor& selector, std::int64_t window) {
  const auto layers = static_cast<std::int64_t>(tables.size());
  const std::int64_t heads = tables.front().size(1), tokens = window * window;
  const torch::Tensor all =
      torch::stack(tables, 1).view({selector.size(1), layers * heads}).t();  // [L*heads, (2w-1)^2]
  // Rows are (layer, head): the product comes out as [L, heads, key, query].
  const torch::Tensor biases =
      fast_linear(all, selector.to(all.scalar_type()), {}).view({layers, heads, tokens, tokens});
  return biases.unbind(0);
}

}  // namespace reprise::models
