#include "models/safetensors.h"

#include <array>
#include <fstream>
#include <string_view>
#include <vector>

#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/safetensors_index.h"

namespace reprise::models {
namespace {

struct Dtype {
  std::string_view name;
  torch::ScalarType type;
};
constexpr std::array kDtypes = {
    Dtype{"F64", torch::kFloat64},        Dtype{"F32", torch::kFloat32},
    Dtype{"F16", torch::kFloat16},        Dtype{"BF16", torch::kBFloat16},
    Dtype{"I64", torch::kInt64},          Dtype{"I32", torch::kInt32},
    Dtype{"I16", torch::kInt16},          Dtype{"I8", torch::kInt8},
    Dtype{"U64", torch::kUInt64},         Dtype{"U32", torch::kUInt32},
    Dtype{"U16", torch::kUInt16},         Dtype{"U8", torch::kUInt8},
    Dtype{"BOOL", torch::kBool},          Dtype{"F8_E4M3", torch::kFloat8_e4m3fn},
    Dtype{"F8_E5M2", torch::kFloat8_e5m2}};

/// The index knows the same names.
torch::ScalarType type_of(std::string_view name) {
  for (const Dtype& dtype : kDtypes) {
    if (dtype.name == name) return dtype.type;
  }
  throw_corrupt("unknown dtype " + std::string(name));
}

std::string name_of(const std::string& key, torch::ScalarType type) {
  for (const Dtype& dtype : kDtypes) {
    if (dtype.type == type) return std::string(dtype.name);
  }
  throw_invalid("tensor \"" + key + "\" of type " + c10::toString(type) +
                " cannot be written to a safetensors file");
}

}  // namespace

TensorFile read_safetensors(const std::filesystem::path& path) {
  sweep::SafetensorsIndex index = sweep::read_safetensors_index(path);
  std::ifstream in(path, std::ios::binary);
  TensorFile file;
  file.metadata = std::move(index.metadata);
  for (const auto& [key, entry] : index.tensors) {
    torch::Tensor tensor = torch::empty(entry.shape, type_of(entry.dtype));
    const std::uint64_t bytes = entry.end - entry.begin;
    if (bytes > 0) {
      in.seekg(static_cast<std::streamoff>(index.data_start + entry.begin));
      in.read(static_cast<char*>(tensor.data_ptr()), static_cast<std::streamsize>(bytes));
      if (!in) throw Error(ErrorCode::Unavailable, path.string() + ": cannot be read to its end");
    }
    file.tensors.emplace_hint(file.tensors.end(), key, std::move(tensor));
  }
  return file;
}

std::string encode_safetensors(const TensorFile& file) {
  std::map<std::string, sweep::TensorEntry> entries;
  std::vector<torch::Tensor> tensors;
  std::size_t total = 0;
  for (const auto& [key, value] : file.tensors) {
    tensors.push_back(value.detach().to(torch::kCPU).contiguous());
    total += tensors.back().nbytes();
    entries.emplace(key, sweep::TensorEntry{.dtype = name_of(key, value.scalar_type()),
                                            .shape = value.sizes().vec()});
  }
  std::string bytes = sweep::encode_safetensors_header(entries, file.metadata);
  bytes.reserve(bytes.size() + total);
  for (const torch::Tensor& tensor : tensors) {
    bytes.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  }
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  write_file_atomically(path, encode_safetensors(file));
}

}  // namespace reprise::models
