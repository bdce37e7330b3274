#pragma once
/// Weights in files: the safetensors format (sweep/safetensors_index.h has its table of contents).
///
/// Written deterministically: equal tensors and metadata give equal bytes. Read with distrust:
/// nothing is allocated before the whole table of contents is known to fit the file.

#include <filesystem>
#include <map>
#include <string>

#include "models/torch.h"

namespace reprise::models {

struct TensorFile {
  std::map<std::string, torch::Tensor> tensors;  ///< On the CPU, contiguous.
  std::map<std::string, std::string> metadata;
};

/// Errors: InvalidInput (no such file), Corrupt (anything that is not a whole safetensors file).
TensorFile read_safetensors(const std::filesystem::path& path);

/// Atomic (sweep/files.h). Errors: Unavailable, Exhausted, InvalidInput for a dtype that the format
/// does not have.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);

/// The bytes that `write_safetensors` writes.
std::string encode_safetensors(const TensorFile& file);

}  // namespace reprise::models
