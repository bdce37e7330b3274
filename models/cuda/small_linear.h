#pragma once
/// Launch of the linear layer for few rows on a GPU. Memory is device memory; no LibTorch here.

#include <cuda_runtime_api.h>

#include "models/kernels/block_linear.h"

namespace reprise::models::cuda {

/// Enqueues it; at most kLinearInputsMost inputs. Returns the launch's error.
cudaError_t small_linear(const kernels::LinearArguments& arguments, cudaStream_t stream);

}  // namespace reprise::models::cuda
