#pragma once
/// Launches of the fused window attention on a GPU. Memory is device memory; no LibTorch here.

#include <cuda_runtime_api.h>

#include "models/kernels/block_attention.h"

namespace reprise::models::cuda {

/// True for windows of 8x8 and the head sizes that kernels are built for: 4, 5, 6, 8, 10, 12, 15,
/// 16, 20, 30.
bool takes(std::int64_t tokens, std::int64_t head_size);

/// Enqueues one pass. `head_size` as `takes` allows. Returns the launch's error.
cudaError_t attention_forward(const kernels::BlockArguments& arguments, std::int64_t head_size,
                              cudaStream_t stream);
cudaError_t attention_backward(const kernels::BlockArguments& arguments, std::int64_t head_size,
                               cudaStream_t stream);

}  // namespace reprise::models::cuda
