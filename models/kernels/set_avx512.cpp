#include "models/kernels/attention_impl.h"
#include "models/kernels/norm_impl.h"
#include "models/kernels/product_impl.h"
#include "models/kernels/sets.h"

namespace reprise::models::kernels {
const KernelSet k_avx512 = {
    "avx512",           forward_all<float>, forward_all<Bf16>, backward_all<float>,
    backward_all<Bf16>, product_rows,       norm_rows,         nullptr};
}  // namespace reprise::models::kernels
