#pragma once
/// What the texts of GPU kernels have in common. They are compiled for the GPU and, for tests, for
/// the CPU: a kernel is a list of phases with a barrier between them, and the CPU runs each phase
/// for all threads of a block in turn.

#ifdef __CUDACC__
#define REPRISE_BOTH __host__ __device__ __forceinline__
#else
#define REPRISE_BOTH inline
#endif

namespace reprise::models::kernels {

constexpr int kFour = 4;

/// Four numbers that are read and written at once; at a multiple of 16 bytes.
struct alignas(16) Four {
  float v[kFour];
};
REPRISE_BOTH const Four& four_at(const float* at) { return *reinterpret_cast<const Four*>(at); }
REPRISE_BOTH Four& four_at(float* at) { return *reinterpret_cast<Four*>(at); }

}  // namespace reprise::models::kernels
