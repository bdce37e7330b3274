#include "models/weights_file.h"

#include <caffe2/serialize/inline_container.h>

#include <array>
#include <cstring>
#include <fstream>
#include <map>

#include "models/pickle.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/safetensors_index.h"

namespace reprise::models {
namespace {

constexpr std::size_t kPickleBytesMax = 64U << 20U;
constexpr std::size_t kFileBytesMax = std::size_t{16} << 30U;
/// Tensors that share a storage are copied apart; a file of nothing but shares is refused.
constexpr std::uint64_t kExpansionMax = 4;

torch::ScalarType type_of(const std::string& dtype) {
  static const std::map<std::string, torch::ScalarType> table = {
      {"F64", torch::kFloat64},   {"F32", torch::kFloat32}, {"F16", torch::kFloat16},
      {"BF16", torch::kBFloat16}, {"I64", torch::kInt64},   {"I32", torch::kInt32},
      {"I16", torch::kInt16},     {"I8", torch::kInt8},     {"U8", torch::kUInt8},
      {"BOOL", torch::kBool}};
  return table.at(dtype);
}

std::uint64_t storage_bytes(const PickledTensor& tensor, std::uint64_t file_bytes,
                            const std::string& where) {
  const auto length = static_cast<std::uint64_t>(tensor.storage_length);
  const std::uint64_t size = sweep::dtype_bytes(tensor.dtype);
  if (length > file_bytes / size) throw_corrupt(where + ": a storage is larger than the file");
  return length * size;
}

/// A copy of the view, contiguous. `storage` has at least the storage's bytes.
torch::Tensor copied(const PickledTensor& view, const void* storage) {
  torch::Tensor out = torch::empty(view.shape, type_of(view.dtype));
  if (out.numel() == 0) return out;
  const auto whole = torch::from_blob(const_cast<void*>(storage), {view.storage_length},
                                      torch::TensorOptions(type_of(view.dtype)));
  return out.copy_(whole.as_strided(view.shape, view.stride, view.offset));
}

void add(TensorFile& file, const NamedTensor& item, const void* storage, std::uint64_t& total,
         std::uint64_t file_bytes, const std::string& where) {
  std::uint64_t count = sweep::dtype_bytes(item.tensor.dtype);
  for (const std::int64_t size : item.tensor.shape) count *= static_cast<std::uint64_t>(size);
  total += count;
  if (total > kExpansionMax * file_bytes) {
    throw_corrupt(where + ": its tensors are far larger than the file");
  }
  if (!file.tensors.emplace(item.name, copied(item.tensor, storage)).second) {
    throw_corrupt(where + ": has two tensors \"" + item.name + "\"");
  }
}

TensorFile read_zip(const std::filesystem::path& path, std::uint64_t file_bytes) {
  const std::string where = path.string();
  caffe2::serialize::PyTorchStreamReader reader(where);
  const auto record = [&](const std::string& name, std::uint64_t bytes_max) {
    if (!reader.hasRecord(name)) throw_corrupt(where + ": has no record " + name);
    // Records are stored, not compressed: none is longer than the file.
    const std::uint64_t size = reader.getRecordSize(name);
    if (size > file_bytes || size > bytes_max) {
      throw_corrupt(where + ": record " + name + " is longer than it can be");
    }
    return reader.getRecord(name);
  };
  if (reader.hasRecord("byteorder")) {
    const auto [data, size] = record("byteorder", 16);
    if (std::string_view(static_cast<const char*>(data.get()), size) != "little") {
      throw_corrupt(where + ": was written on a big-endian machine");
    }
  }
  const auto [pickle, pickle_size] = record("data.pkl", kPickleBytesMax);
  const PickledState state = read_pickled_tensors(
      std::string_view(static_cast<const char*>(pickle.get()), pickle_size), where);
  std::map<std::string, std::vector<const NamedTensor*>> by_storage;
  for (const NamedTensor& item : state.tensors) by_storage[item.tensor.storage].push_back(&item);
  TensorFile file;
  std::uint64_t total = 0;
  for (const auto& [key, items] : by_storage) {
    const auto [data, size] = record("data/" + key, file_bytes);
    for (const NamedTensor* item : items) {
      if (storage_bytes(item->tensor, file_bytes, where) > size) {
        throw_corrupt(where + ": storage " + key + " is shorter than its tensors");
      }
      add(file, *item, data.get(), total, file_bytes, where);
    }
  }
  return file;
}

/// Magic number, version and system in a pickle each, the state dict, the storages' keys, and then
/// each storage: its length in elements and its bytes.
TensorFile read_legacy(const std::filesystem::path& path) {
  const std::string where = path.string();
  const std::string bytes = read_file(path, kFileBytesMax);
  std::string_view rest = bytes;
  constexpr std::string_view kMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
                                    15);
  if (rest.substr(0, kMagic.size()) != kMagic) {
    throw_corrupt(where + ": is no file of torch.save");
  }
  for (int i = 0; i < 3; ++i)
    rest.remove_prefix(skip_pickle(rest.substr(0, kPickleBytesMax), where));
  const PickledState state = read_pickled_tensors(rest.substr(0, kPickleBytesMax), where);
  rest.remove_prefix(state.length);
  const PickledState keys = read_pickled_texts(rest.substr(0, kPickleBytesMax), where);
  rest.remove_prefix(keys.length);
  std::map<std::string, std::vector<const NamedTensor*>> by_storage;
  for (const NamedTensor& item : state.tensors) by_storage[item.tensor.storage].push_back(&item);
  TensorFile file;
  std::uint64_t total = 0;
  for (const std::string& key : keys.texts) {
    if (rest.size() < 8) throw_corrupt(where + ": ends before storage " + key);
    std::int64_t length = 0;
    std::memcpy(&length, rest.data(), 8);
    rest.remove_prefix(8);
    const auto found = by_storage.find(key);
    if (found == by_storage.end()) throw_corrupt(where + ": has a storage that no tensor uses");
    const std::uint64_t size = storage_bytes(found->second[0]->tensor, bytes.size(), where);
    if (length != found->second[0]->tensor.storage_length || size > rest.size()) {
      throw_corrupt(where + ": storage " + key + " is cut off");
    }
    for (const NamedTensor* item : found->second) {
      if (storage_bytes(item->tensor, bytes.size(), where) != size) {
        throw_corrupt(where + ": storage " + key + " has two lengths");
      }
      add(file, *item, rest.data(), total, bytes.size(), where);
    }
    rest.remove_prefix(size);
    by_storage.erase(found);
  }
  if (!by_storage.empty()) throw_corrupt(where + ": lacks storage " + by_storage.begin()->first);
  return file;
}

}  // namespace

TensorFile read_weights(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw_invalid(path.string() + ": no such file");
  }
  std::array<char, 4> head{};
  std::ifstream(path, std::ios::binary).read(head.data(), head.size());
  try {
    if (std::memcmp(head.data(), "PK\x03\x04", 4) == 0) {
      return read_zip(path, std::filesystem::file_size(path));
    }
    if (head[0] == '\x80') return read_legacy(path);
  } catch (const c10::Error& failure) {  // The zip reader's own complaints.
    const std::string text = failure.what_without_backtrace();
    throw_corrupt(path.string() + ": damaged: " + text.substr(0, text.find('\n')));
  }
  return read_safetensors(path);
}

}  // namespace reprise::models
