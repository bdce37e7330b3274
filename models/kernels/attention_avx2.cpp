#include "models/kernels/attention_impl.h"
#include "models/kernels/attention_sets.h"

namespace reprise::models::kernels {
const AttentionKernels k_avx2 = kernels_named("avx2");
}  // namespace reprise::models::kernels
