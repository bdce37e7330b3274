#pragma once
/// Weights from files of other programs: safetensors, and what PyTorch's `torch.save` writes.

#include <filesystem>

#include "models/safetensors.h"

namespace reprise::models {

/// Reads tensors by what the file is, whatever its name: safetensors, a .pt or .pth zip file, or a
/// .pt file of PyTorch before 1.6. Of PyTorch's files only state dicts are read: anything that is
/// no tensor is refused by its name, and nothing of a pickle is ever run.
///
/// Nothing is allocated for more than the file can hold: sizes are checked against its length.
/// Errors: InvalidInput (no such file), Corrupt (all else, naming file and reason).
TensorFile read_weights(const std::filesystem::path& path);

}  // namespace reprise::models
