/// Compiled for sm_80, sm_90 and sm_100; the arithmetic is kernels/block_norm.h.

#include "models/cuda/norm.h"

#include "models/cuda/launch.h"

namespace reprise::models::cuda {
namespace {

using kernels::ColumnArguments;
using kernels::NormArguments;

/// Grid: groups of rows.
__global__ void __launch_bounds__(kernels::kNormThreads) forward(const NormArguments in) {
  __shared__ kernels::NormShared shared;
  kernels::NormThread t(static_cast<int>(threadIdx.x));
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kernels::kNormRows;
  kernels::norm_load(in, first, t, shared);
  __syncthreads();
  kernels::norm_squares(in, t, shared);
  __syncthreads();
  kernels::norm_out(in, first, t, shared);
}

/// Grid: chunks of rows.
__global__ void __launch_bounds__(kernels::kNormThreads) backward(const NormArguments in) {
  __shared__ kernels::NormShared shared;
  kernels::NormThread t(static_cast<int>(threadIdx.x));
  const std::int64_t end = kernels::norm_begin(in, blockIdx.x + 1);
  for (auto first = kernels::norm_begin(in, blockIdx.x); first < end; first += kernels::kNormRows) {
    __syncthreads();  // The rows before are done with the shared memory.
    kernels::norm_gradients(in, first, end, t, shared);
    __syncthreads();
    kernels::norm_back(in, first, end, t, shared);
  }
  kernels::norm_share(in, t, shared);
  __syncthreads();
  kernels::norm_parts(in, blockIdx.x, t, shared);
}

/// Grid: blocks of columns by chunks of rows.
__global__ void __launch_bounds__(kernels::kColumnThreads) columns(const ColumnArguments in) {
  __shared__ kernels::ColumnShared shared;
  const auto first = static_cast<std::int64_t>(blockIdx.x) * kernels::kColumns;
  kernels::column_sums(in, first, blockIdx.y, static_cast<int>(threadIdx.x), shared);
  __syncthreads();
  kernels::column_out(in, first, blockIdx.y, static_cast<int>(threadIdx.x), shared);
}

unsigned blocks(std::int64_t count, std::int64_t each) {
  return static_cast<unsigned>((count + each - 1) / each);
}

}  // namespace

cudaError_t norm_forward(const NormArguments& in, cudaStream_t stream) {
  return launch(forward, in, dim3(blocks(in.rows, kernels::kNormRows)), kernels::kNormThreads, 0,
                stream);
}

cudaError_t norm_backward(const NormArguments& in, cudaStream_t stream) {
  return launch(backward, in, dim3(static_cast<unsigned>(in.chunks)), kernels::kNormThreads, 0,
                stream);
}

cudaError_t sum_columns(const ColumnArguments& in, cudaStream_t stream) {
  const dim3 grid(blocks(in.width, kernels::kColumns), static_cast<unsigned>(in.chunks));
  return launch(columns, in, grid, kernels::kColumnThreads, 0, stream);
}

}  // namespace reprise::models::cuda
