#pragma once
/// Launches of layer norm and of sums of columns on a GPU. Memory is device memory; no LibTorch
/// here. Each returns its launch's error.

#include <cuda_runtime_api.h>

#include "models/kernels/block_norm.h"

namespace reprise::models::cuda {

cudaError_t norm_forward(const kernels::NormArguments& arguments, cudaStream_t stream);
cudaError_t norm_backward(const kernels::NormArguments& arguments, cudaStream_t stream);
cudaError_t sum_columns(const kernels::ColumnArguments& arguments, cudaStream_t stream);

}  // namespace reprise::models::cuda
