#pragma once
/// How many GPUs of this machine a run may use.

#include <optional>
#include <string>

namespace reprise {

/// `visible`: CUDA_VISIBLE_DEVICES, if it is set. `listed`: what `nvidia-smi --list-gpus` prints, a
/// line a GPU. CUDA reads the variable up to the first entry that it does not know, here: that is
/// empty or negative.
int gpus_of(const std::optional<std::string>& visible, const std::string& listed);

/// Of this machine and environment; 0 without a driver.
int visible_gpus();

}  // namespace reprise
