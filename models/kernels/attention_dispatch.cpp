#include "models/kernels/attention_kernel.h"
#include "models/kernels/attention_sets.h"

namespace reprise::models::kernels {

KernelList all_attention_kernels() {
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

const AttentionKernels& attention_kernels() {
  static const AttentionKernels& best = *all_attention_kernels().sets[0];
  return best;
}

}  // namespace reprise::models::kernels
