/// Compiled for sm_80, sm_90 and sm_100; the arithmetic is kernels/block_attention.h.

#include "models/cuda/window_attention.h"

namespace reprise::models::cuda {
namespace {

using kernels::BlockArguments;
using kernels::BlockCell;

constexpr int kTokens = 64;  // Threads of a block: one a token.

/// Grid: (image, window) pairs by heads.
template <int D>
__global__ void __launch_bounds__(kTokens) forward(const BlockArguments in) {
  __shared__ kernels::ForwardShared<kTokens, D> shared;
  const BlockCell<kTokens, D> cell(in, blockIdx.x, blockIdx.y);
  const int t = static_cast<int>(threadIdx.x);
  kernels::forward_load(in, cell, t, kTokens, shared);
  __syncthreads();
  kernels::forward_attend(in, cell, t, shared);
}

/// Grid: chunks by heads. A block walks its chunk of pairs and keeps their bias gradient's sum.
template <int D>
__global__ void __launch_bounds__(kTokens) backward(const BlockArguments in) {
  extern __shared__ float memory[];
  auto& shared = *reinterpret_cast<kernels::BackwardShared<kTokens, D>*>(memory);
  const int t = static_cast<int>(threadIdx.x);
  kernels::backward_clear(t, kTokens, shared);
  const std::int64_t end = kernels::chunk_begin(in, blockIdx.x + 1);
  for (std::int64_t pair = kernels::chunk_begin(in, blockIdx.x); pair < end; ++pair) {
    const BlockCell<kTokens, D> cell(in, pair, blockIdx.y);
    __syncthreads();
    kernels::backward_load(in, cell, t, kTokens, shared);
    __syncthreads();
    kernels::backward_queries(in, cell, t, shared);
    __syncthreads();
    kernels::backward_keys(in, cell, t, shared);
  }
  __syncthreads();
  kernels::backward_store(in, blockIdx.x, blockIdx.y, t, kTokens, shared);
}

template <int D>
cudaError_t launch_forward(const BlockArguments& in, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(in.images * in.windows), static_cast<unsigned>(in.heads));
  forward<D><<<grid, kTokens, 0, stream>>>(in);
  return cudaGetLastError();
}

template <int D>
cudaError_t launch_backward(const BlockArguments& in, cudaStream_t stream) {
  constexpr int kBytes = sizeof(kernels::BackwardShared<kTokens, D>);
  const auto raised =
      cudaFuncSetAttribute(backward<D>, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  if (raised != cudaSuccess) return raised;
  const dim3 grid(static_cast<unsigned>(in.chunks), static_cast<unsigned>(in.heads));
  backward<D><<<grid, kTokens, kBytes, stream>>>(in);
  return cudaGetLastError();
}

/// Calls `launch` with the head size as a constant.
#define REPRISE_BY_HEAD_SIZE(LAUNCH)                \
  switch (head_size) {                              \
    case 10: return LAUNCH<10>(arguments, stream);  \
    case 15: return LAUNCH<15>(arguments, stream);  \
    case 20: return LAUNCH<20>(arguments, stream);  \
    case 30: return LAUNCH<30>(arguments, stream);  \
    default: return cudaErrorInvalidValue;          \
  }

}  // namespace

bool takes(std::int64_t tokens, std::int64_t head_size) {
  return tokens == kTokens &&
         (head_size == 10 || head_size == 15 || head_size == 20 || head_size == 30);
}

cudaError_t attention_forward(const BlockArguments& arguments, std::int64_t head_size,
                              cudaStream_t stream) {
  REPRISE_BY_HEAD_SIZE(launch_forward)
}

cudaError_t attention_backward(const BlockArguments& arguments, std::int64_t head_size,
                               cudaStream_t stream) {
  REPRISE_BY_HEAD_SIZE(launch_backward)
}

}  // namespace reprise::models::cuda
