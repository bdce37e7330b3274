#include "models/kernels/attention_impl.h"
#include "models/kernels/norm_impl.h"
#include "models/kernels/sets.h"
#include "models/kernels/swin_layer_impl.h"

namespace reprise::models::kernels {
const KernelSet k_avx2 = {
    "avx2",  forward_all<float>, forward_all<Bf16>, backward_all<float>, backward_all<Bf16>,
    nullptr, norm_rows,          layer_all};
}  // namespace reprise::models::kernels
