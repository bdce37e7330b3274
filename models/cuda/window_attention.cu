/// Compiled for sm_80, sm_90 and sm_100; the arithmetic is kernels/block_attention_*.h.

#include "models/cuda/window_attention.h"

#include "models/cuda/launch.h"
#include "models/kernels/block_attention_backward.h"
#include "models/kernels/block_attention_forward.h"

namespace reprise::models::cuda {
namespace {

using kernels::BlockArguments;
using kernels::BlockCell;

/// Grid: (image, window) pairs by heads.
template <int D>
__global__ void __launch_bounds__(kernels::kBlockThreads) forward(const BlockArguments in) {
  extern __shared__ float memory[];
  auto& shared = *reinterpret_cast<kernels::ForwardShared<D>*>(memory);
  const BlockCell<D> cell(in, blockIdx.x, blockIdx.y);
  kernels::BlockThread t(static_cast<int>(threadIdx.x));
  kernels::forward_load(in, cell, t, shared);
  __syncthreads();
  kernels::forward_logits(in, cell, t, shared);
  __syncthreads();
  kernels::forward_weights(t, shared);
  __syncthreads();
  kernels::forward_out(in, cell, t, shared);
}

/// Grid: chunks by heads. A block walks its chunk of pairs and keeps their bias gradient's sum.
template <int D>
__global__ void __launch_bounds__(kernels::kBlockThreads) backward(const BlockArguments in) {
  extern __shared__ float memory[];
  auto& shared = *reinterpret_cast<kernels::BackwardShared<D>*>(memory);
  kernels::BlockThread t(static_cast<int>(threadIdx.x));
  kernels::backward_begin(in, blockIdx.y, t);
  const std::int64_t end = kernels::chunk_begin(in, blockIdx.x + 1);
  for (std::int64_t pair = kernels::chunk_begin(in, blockIdx.x); pair < end; ++pair) {
    const BlockCell<D> cell(in, pair, blockIdx.y);
    __syncthreads();  // The cell before is done with the shared memory.
    kernels::backward_load(in, cell, t, shared);
    __syncthreads();
    kernels::backward_weights(in, cell, t, shared);
    __syncthreads();
    kernels::backward_logits(t, shared);
    __syncthreads();
    kernels::backward_out(in, cell, t, shared);
  }
  kernels::backward_end(in, blockIdx.x, blockIdx.y, t);
}

template <int D>
cudaError_t launch_forward(const BlockArguments& in, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(in.images * in.windows), static_cast<unsigned>(in.heads));
  return launch(forward<D>, in, grid, kernels::kBlockThreads, sizeof(kernels::ForwardShared<D>),
                stream);
}

template <int D>
cudaError_t launch_backward(const BlockArguments& in, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(in.chunks), static_cast<unsigned>(in.heads));
  return launch(backward<D>, in, grid, kernels::kBlockThreads, sizeof(kernels::BackwardShared<D>),
                stream);
}

/// Calls `launch` with the head size as a constant.
#define REPRISE_BY_HEAD_SIZE(LAUNCH)                \
  switch (head_size) {                              \
    case 4: return LAUNCH<4>(arguments, stream);    \
    case 5: return LAUNCH<5>(arguments, stream);    \
    case 6: return LAUNCH<6>(arguments, stream);    \
    case 8: return LAUNCH<8>(arguments, stream);    \
    case 10: return LAUNCH<10>(arguments, stream);  \
    case 12: return LAUNCH<12>(arguments, stream);  \
    case 15: return LAUNCH<15>(arguments, stream);  \
    case 16: return LAUNCH<16>(arguments, stream);  \
    case 20: return LAUNCH<20>(arguments, stream);  \
    case 30: return LAUNCH<30>(arguments, stream);  \
    default: return cudaErrorInvalidValue;          \
  }

}  // namespace

bool takes(std::int64_t tokens, std::int64_t head_size) {
  if (tokens != kernels::kBlockTokens) return false;
  for (const int built : {4, 5, 6, 8, 10, 12, 15, 16, 20, 30}) {
    if (head_size == built) return true;
  }
  return false;
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
