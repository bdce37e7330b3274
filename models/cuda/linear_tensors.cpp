#include "models/cuda/linear_tensors.h"

#include <ATen/autocast_mode.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "models/cuda/small_linear.h"

namespace reprise::models::cuda {
namespace {

/// More rows fill a GPU, and then cuBLAS's larger tiles win.
constexpr std::int64_t kRowsMost = 4096;
/// So do cuDNN's for wide convolutions.
constexpr std::int64_t kConvolutionOutputsMost = 96;
/// Of its nine taps: one image has too few rows to fill a GPU.
constexpr int kConvolutionShares = 3;

const float* data_or_null(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}

}  // namespace

bool takes(const SmallLinear& layer) {
  const auto& x = layer.x;
  return x.is_cuda() && x.scalar_type() == torch::kFloat32 && !at::GradMode::is_enabled() &&
         !at::autocast::is_autocast_enabled(at::kCUDA) && x.numel() / x.size(-1) <= kRowsMost &&
         x.size(-1) <= kernels::kLinearInputsMost &&
         (layer.height == 0 || layer.weight.size(0) <= kConvolutionOutputsMost);
}

torch::Tensor compute(const SmallLinear& layer) {
  const c10::cuda::CUDAGuard guard(layer.x.device());
  const torch::Tensor x = layer.x.contiguous();
  const torch::Tensor residual =
      layer.residual.defined() ? layer.residual.contiguous() : torch::Tensor();
  auto shape = x.sizes().vec();
  shape.back() = layer.weight.size(0);
  torch::Tensor out = torch::empty(shape, x.options());
  kernels::LinearArguments in;
  in.rows = x.numel() / x.size(-1);
  in.inputs = static_cast<int>(x.size(-1));
  in.outputs = static_cast<int>(layer.weight.size(0));
  in.x = x.const_data_ptr<float>();
  torch::Tensor weight = layer.weight, sums;
  if (layer.height > 0) {
    weight = weight.permute({2, 3, 0, 1}).contiguous();
    in.taps = 9;
    in.shares = kConvolutionShares;
    sums = torch::empty({in.shares, in.rows, in.outputs}, x.options());
    in.sums = sums.data_ptr<float>();
    in.height = static_cast<int>(layer.height);
    in.width = static_cast<int>(layer.width);
  }
  in.weight = weight.const_data_ptr<float>();
  in.bias = data_or_null(layer.bias);
  in.gain = data_or_null(layer.gain);
  in.shift = data_or_null(layer.shift);
  in.epsilon = static_cast<float>(layer.epsilon);
  in.gelu = layer.gelu;
  in.residual = data_or_null(residual);
  in.out = out.data_ptr<float>();
  const auto code = small_linear(in, c10::cuda::getCurrentCUDAStream().stream());
  TORCH_CHECK(code == cudaSuccess, "linear layer: ", cudaGetErrorString(code));
  return out;
}

}  // namespace reprise::models::cuda
