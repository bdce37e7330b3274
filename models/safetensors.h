#pragma once
/// Weights in files: the safetensors format (8-byte little-endian header length, JSON header,
/// data).
///
/// Written deterministically: equal tensors and metadata give equal bytes. Read with distrust:
/// nothing is allocated beyond the size of the file, and offsets must cover the data without gaps.

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>

namespace reprise::models {

struct TensorFile {
  std::map<std::string, torch::Tensor> tensors;  ///< On the CPU, contiguous.
  std::map<std::string, std::string> metadata;
};

/// Errors: InvalidInput (no such file), Corrupt (anything that is not a whole safetensors file).
TensorFile read_safetensors(const std::filesystem::path& path);

/// Atomic (sweep/files.h). Errors: Unavailable, Exhausted.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);

/// The bytes that `write_safetensors` writes.
std::string encode_safetensors(const TensorFile& file);

}  // namespace reprise::models
