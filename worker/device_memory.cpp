#include "worker/device_memory.h"

#ifdef REPRISE_CUDA
#include <cuda_runtime_api.h>
#endif

namespace reprise::worker {

std::size_t free_device_bytes() {
#ifdef REPRISE_CUDA
  std::size_t available = 0;
  std::size_t total = 0;
  if (cudaMemGetInfo(&available, &total) == cudaSuccess) return available;
#endif
  return 0;
}

}  // namespace reprise::worker
