#include "models/cuda/attention_tensors.h"

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <cmath>

#include "models/cuda/check.h"
#include "models/cuda/window_attention.h"

namespace reprise::models::cuda {
namespace {

using torch::Tensor;

/// Blocks a head in the backward pass: with the paper's 6 heads what an H200 runs at once, two on
/// each of 132 multiprocessors.
constexpr std::int64_t kBlocksOfHead = 44;

kernels::BlockArguments arguments_of(const Tensor& qkv, const Tensor& bias, const Tensor& place,
                                     const Tensor& mask, std::int64_t heads, const Tensor& stats) {
  kernels::BlockArguments in;
  in.images = qkv.size(0);
  in.windows = qkv.size(1) / bias.size(1);
  in.heads = heads;
  in.qkv = qkv.data_ptr<float>();
  in.place = place.data_ptr<std::int32_t>();
  in.bias = bias.data_ptr<float>();
  in.mask = mask.defined() ? mask.data_ptr<float>() : nullptr;
  in.stats = stats.defined() ? stats.data_ptr<float>() : nullptr;
  in.scale = 1.0F / std::sqrt(static_cast<float>(qkv.size(2) / 3 / heads));
  return in;
}

}  // namespace

bool takes(const Tensor& qkv, std::int64_t tokens, std::int64_t heads) {
  return qkv.is_cuda() && qkv.scalar_type() == torch::kFloat32 &&
         takes(tokens, qkv.size(2) / 3 / heads);
}

Tensor attention_forward(const Tensor& qkv, const Tensor& bias, const Tensor& place,
                         const Tensor& mask, std::int64_t heads, const Tensor& stats) {
  const c10::cuda::CUDAGuard guard(qkv.device());
  Tensor out = torch::empty({qkv.size(0), qkv.size(1), qkv.size(2) / 3}, qkv.options());
  auto in = arguments_of(qkv, bias, place, mask, heads, stats);
  in.out = out.data_ptr<float>();
  check(attention_forward(in, qkv.size(2) / 3 / heads, c10::cuda::getCurrentCUDAStream().stream()),
        "window attention");
  return out;
}

AttentionGradient attention_backward(const Tensor& out_gradient, const Tensor& qkv,
                                     const Tensor& bias, const Tensor& place, const Tensor& mask,
                                     std::int64_t heads, const Tensor& stats) {
  const c10::cuda::CUDAGuard guard(qkv.device());
  AttentionGradient result;
  result.qkv = torch::empty_like(qkv);
  auto in = arguments_of(qkv, bias, place, mask, heads, stats);
  in.chunks = std::min(kBlocksOfHead, in.images * in.windows);
  const Tensor parts = torch::empty({in.chunks, heads, bias.size(1), bias.size(2)}, bias.options());
  in.out_gradient = out_gradient.data_ptr<float>();
  in.qkv_gradient = result.qkv.data_ptr<float>();
  in.bias_parts = parts.data_ptr<float>();
  check(attention_backward(in, qkv.size(2) / 3 / heads, c10::cuda::getCurrentCUDAStream().stream()),
        "window attention");
  result.bias = parts.sum(0);
  return result;
}

}  // namespace reprise::models::cuda
