#pragma once
/// The table of contents of a safetensors file, without LibTorch: 8 bytes little-endian header
/// length, a JSON header, then the tensors' bytes.
///
/// Read with distrust: a header is checked while it is parsed, nothing is allocated for more than
/// the bytes that a file really has, and what comes back fits the file.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::sweep {

/// Where one tensor lies. `end - begin` is the product of `shape` times the size of `dtype`.
struct TensorEntry {
  std::string dtype;                ///< As in the file: "F32", "I64", "U8", "BOOL" ...
  std::vector<std::int64_t> shape;  ///< Empty for a scalar.
  std::uint64_t begin = 0;          ///< First byte, counted from `SafetensorsIndex::data_start`.
  std::uint64_t end = 0;            ///< One past the last byte.
};

struct SafetensorsIndex {
  std::map<std::string, TensorEntry> tensors;
  std::map<std::string, std::string> metadata;
  std::uint64_t data_start = 0;  ///< Of the tensors' bytes, from the beginning of the file.
};

/// Bytes of one element of a dtype, or 0 where the dtype is unknown.
std::size_t dtype_bytes(std::string_view dtype);

/// The checked table of contents. Offsets lie inside the file and cover the data without gap or
/// overlap; names are unique; shapes fit their bytes and an int64.
/// Errors: InvalidInput (no such file), Unavailable, Corrupt (anything else, with the reason).
SafetensorsIndex read_safetensors_index(const std::filesystem::path& path);

/// The same from the beginning of a file: `head` holds at least its header, `file_bytes` is the
/// length of the whole. `name` stands in errors. Errors: Corrupt.
SafetensorsIndex parse_safetensors_index(std::string_view head, std::uint64_t file_bytes,
                                         const std::string& name);

/// The raw bytes (row-major, little-endian) of one tensor of the file that `index` was read from.
/// Errors: InvalidInput (no such tensor, with the nearest name), Corrupt (the file became shorter).
std::string read_tensor_bytes(const std::filesystem::path& path, const SafetensorsIndex& index,
                              const std::string& key);

/// Length field and header of a file that has these tensors in the order of their names, each
/// behind the other; padded so that data start at a multiple of 8. `begin` and `end` are ignored.
std::string encode_safetensors_header(const std::map<std::string, TensorEntry>& tensors,
                                      const std::map<std::string, std::string>& metadata);

}  // namespace reprise::sweep
