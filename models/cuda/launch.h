#pragma once
/// How kernels with much shared memory are launched; for .cu files.

#include <cuda_runtime.h>

namespace reprise::models::cuda {

/// Enqueues `kernel` with `bytes` of shared memory, which may be more than the standard 48 KiB.
template <typename Arguments>
cudaError_t launch(void (*kernel)(Arguments), const Arguments& in, dim3 grid, int threads,
                   int bytes, cudaStream_t stream) {
  constexpr int kStandard = 48 << 10;
  if (bytes > kStandard) {
    const auto raised =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    if (raised != cudaSuccess) return raised;
  }
  kernel<<<grid, threads, static_cast<std::size_t>(bytes), stream>>>(in);
  return cudaGetLastError();
}

}  // namespace reprise::models::cuda
