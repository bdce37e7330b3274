#include "models/kernels/kernel_set.h"
#include "models/kernels/sets.h"

namespace reprise::models::kernels {

KernelList all_kernel_sets() {
  KernelList list{{}, 0};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    list.sets[list.count++] = &k_avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    list.sets[list.count++] = &k_avx2;
  }
#endif
  list.sets[list.count++] = &k_baseline;
  return list;
}

void pack_linear(const float* weight, const float* bias, std::int64_t in, std::int64_t out,
                 float* packed) {
  for (std::int64_t first = 0; first < out; first += kPackedRows) {
    for (std::int64_t k = 0; k <= in; ++k) {
      for (std::int64_t row = first; row < first + kPackedRows; ++row)
        *packed++ = row >= out ? 0.0F : k < in ? weight[row * in + k] : bias[row];
    }
  }
}

bool has_avx512() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

const KernelSet& kernel_set() {
  static const KernelSet& best = *all_kernel_sets().sets[0];
  return best;
}

}  // namespace reprise::models::kernels
