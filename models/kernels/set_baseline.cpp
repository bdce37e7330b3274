#include "models/kernels/attention_impl.h"
#include "models/kernels/norm_impl.h"
#include "models/kernels/sets.h"

namespace reprise::models::kernels {
const KernelSet k_baseline = {"baseline",         forward_all<float>,
                              forward_all<Bf16>,  backward_all<float>,
                              backward_all<Bf16>, nullptr,
                              norm_rows,          nullptr};
}  // namespace reprise::models::kernels
