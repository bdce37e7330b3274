#include "models/kernels/attention_impl.h"
#include "models/kernels/attention_sets.h"

namespace reprise::models::kernels {
const AttentionKernels k_baseline = kernels_named("baseline");
}  // namespace reprise::models::kernels
