#pragma once
/// The sets of kernels, one a file: the *_impl.h under another instruction set's flags.
#include "models/kernels/kernel_set.h"

namespace reprise::models::kernels {
extern const KernelSet k_avx512;
extern const KernelSet k_avx2;
extern const KernelSet k_baseline;
}  // namespace reprise::models::kernels
