#include "models/kernels/attention_impl.h"
#include "models/kernels/attention_sets.h"

namespace reprise::models::kernels {
const AttentionKernels k_avx512 = kernels_named("avx512");
}  // namespace reprise::models::kernels
