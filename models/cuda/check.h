#pragma once
/// Launch errors of kernels as LibTorch's errors.

#include <c10/util/Exception.h>
#include <cuda_runtime_api.h>

namespace reprise::models::cuda {

inline void check(cudaError_t code, const char* kernel) {
  TORCH_CHECK(code == cudaSuccess, kernel, ": ", cudaGetErrorString(code));
}

}  // namespace reprise::models::cuda
