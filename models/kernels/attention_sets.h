#pragma once
/// The sets of kernels, one a file: attention_impl.h under another instruction set's flags.
#include "models/kernels/attention_kernel.h"

namespace reprise::models::kernels {
extern const AttentionKernels k_avx512;
extern const AttentionKernels k_avx2;
extern const AttentionKernels k_baseline;
}  // namespace reprise::models::kernels
