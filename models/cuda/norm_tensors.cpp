#include "models/cuda/norm_tensors.h"

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

#include "models/cuda/check.h"
#include "models/cuda/norm.h"

namespace reprise::models::cuda {
namespace {

/// Two blocks for each multiprocessor of an H200.
constexpr std::int64_t kBlocksMost = 264;
/// Rows of a chunk that are worth a block.
constexpr std::int64_t kRowsOfChunk = 64;

cudaStream_t stream() { return c10::cuda::getCurrentCUDAStream().stream(); }

torch::Tensor sums_of_chunks(const torch::Tensor& x, std::int64_t chunks) {
  torch::Tensor out = torch::empty({chunks, x.size(1)}, x.options());
  kernels::ColumnArguments in;
  in.rows = x.size(0);
  in.width = x.size(1);
  in.x = x.const_data_ptr<float>();
  in.out = out.data_ptr<float>();
  in.chunks = chunks;
  check(sum_columns(in, stream()), "layer norm");
  return out;
}

kernels::NormArguments arguments_of(const torch::Tensor& x, const torch::Tensor& gain) {
  kernels::NormArguments in;
  in.width = static_cast<int>(x.size(-1));
  in.rows = x.numel() / x.size(-1);
  in.x = x.const_data_ptr<float>();
  in.gain = gain.const_data_ptr<float>();
  return in;
}

}  // namespace

bool takes_norm(const torch::Tensor& x) {
  return x.is_cuda() && x.scalar_type() == torch::kFloat32 && x.size(-1) <= kernels::kNormWidthMost;
}

Normed norm_forward(const torch::Tensor& x, const torch::Tensor& gain, const torch::Tensor& shift,
                    double epsilon, bool wants_stats) {
  const c10::cuda::CUDAGuard guard(x.device());
  Normed result{.out = torch::empty_like(x), .stats = {}};
  auto in = arguments_of(x, gain);
  in.shift = shift.const_data_ptr<float>();
  in.epsilon = static_cast<float>(epsilon);
  in.out = result.out.data_ptr<float>();
  if (wants_stats) {
    result.stats = torch::empty({in.rows, 2}, x.options());
    in.stats = result.stats.data_ptr<float>();
  }
  check(norm_forward(in, stream()), "layer norm");
  return result;
}

NormGradient norm_backward(const torch::Tensor& out_gradient, const torch::Tensor& x,
                           const torch::Tensor& gain, const torch::Tensor& stats) {
  const c10::cuda::CUDAGuard guard(x.device());
  NormGradient result{.x = torch::empty_like(x), .gain = {}, .shift = {}};
  auto in = arguments_of(x, gain);
  in.stats = stats.data_ptr<float>();
  in.out_gradient = out_gradient.const_data_ptr<float>();
  in.x_gradient = result.x.data_ptr<float>();
  in.chunks = std::clamp<std::int64_t>(in.rows / kernels::kNormRows, 1, kBlocksMost);
  const torch::Tensor parts = torch::empty({in.chunks, 2 * in.width}, x.options());
  in.parts = parts.data_ptr<float>();
  check(norm_backward(in, stream()), "layer norm");
  const torch::Tensor sums = sums_of_chunks(parts, 1)[0];
  result.gain = sums.narrow(0, 0, in.width);
  result.shift = sums.narrow(0, in.width, in.width);
  return result;
}

torch::Tensor sum_columns(const torch::Tensor& x) {
  const c10::cuda::CUDAGuard guard(x.device());
  const auto chunks = std::clamp<std::int64_t>(x.size(0) / kRowsOfChunk, 1, 64);
  torch::Tensor sums = sums_of_chunks(x, chunks);
  if (chunks > 1) sums = sums_of_chunks(sums, 1);
  return sums[0];
}

}  // namespace reprise::models::cuda
