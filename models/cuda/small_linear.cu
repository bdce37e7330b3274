/// Compiled for sm_80, sm_90 and sm_100; the arithmetic is kernels/block_linear.h.

#include "models/cuda/small_linear.h"

#include "models/cuda/launch.h"

namespace reprise::models::cuda {
namespace {

using kernels::LinearArguments;

/// Grid: blocks of rows by blocks of columns by shares of the taps.
__global__ void __launch_bounds__(kernels::kLinearThreads) linear(const LinearArguments whole) {
  const int share = static_cast<int>(blockIdx.z);
  const LinearArguments in = whole.shares > 1 ? kernels::linear_share_of(whole, share) : whole;
  const int end = whole.taps * (share + 1) / whole.shares;
  extern __shared__ float memory[];
  const kernels::LinearShared shared(memory, in.inputs);
  kernels::LinearThread t(static_cast<int>(threadIdx.x), blockIdx.x, static_cast<int>(blockIdx.y));
  for (int tap = whole.taps * share / whole.shares; tap < end; ++tap) {
    __syncthreads();  // The tap before is done with the tiles.
    kernels::linear_load(in, t, tap, shared);
    __syncthreads();
    if (in.gain != nullptr) {
      kernels::linear_sums(in, t, shared);
      __syncthreads();
      kernels::linear_squares(in, t, shared);
      __syncthreads();
      kernels::linear_norm(in, t, shared);
      __syncthreads();
    }
    kernels::linear_multiply(in, t, shared);
  }
  kernels::linear_share(t, shared);
  __syncthreads();
  kernels::linear_out(in, t, shared);
}

constexpr int kReduceThreads = 256;

__global__ void __launch_bounds__(kReduceThreads) reduce(const LinearArguments in) {
  kernels::linear_reduce(in, static_cast<std::int64_t>(blockIdx.x) * kReduceThreads + threadIdx.x);
}

}  // namespace

cudaError_t small_linear(const LinearArguments& in, cudaStream_t stream) {
  const dim3 grid(
      static_cast<unsigned>((in.rows + kernels::kLinearRows - 1) / kernels::kLinearRows),
      static_cast<unsigned>((in.outputs + kernels::kLinearColumns - 1) / kernels::kLinearColumns),
      static_cast<unsigned>(in.shares));
  const int bytes = kernels::linear_shared(in.inputs) * static_cast<int>(sizeof(float));
  const auto code = launch(linear, in, grid, kernels::kLinearThreads, bytes, stream);
  if (code != cudaSuccess || in.shares == 1) return code;
  const auto blocks = (in.rows * in.outputs + kReduceThreads - 1) / kReduceThreads;
  return launch(reduce, in, dim3(static_cast<unsigned>(blocks)), kReduceThreads, 0, stream);
}

}  // namespace reprise::models::cuda
