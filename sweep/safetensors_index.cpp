#include "sweep/safetensors_index.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <limits>
#include <optional>

#include "sweep/error.h"
#include "sweep/nearest.h"
#include "sweep/safetensors_header.h"

namespace reprise::sweep {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kHeaderBytesMax = 100'000'000;  // As in the format's own library.
constexpr std::size_t kLengthBytes = 8;

struct Dtype {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array kDtypes = {
    Dtype{"F64", 8}, Dtype{"F32", 4}, Dtype{"F16", 2},  Dtype{"BF16", 2},    Dtype{"I64", 8},
    Dtype{"I32", 4}, Dtype{"I16", 2}, Dtype{"I8", 1},   Dtype{"U64", 8},     Dtype{"U32", 4},
    Dtype{"U16", 2}, Dtype{"U8", 1},  Dtype{"BOOL", 1}, Dtype{"F8_E4M3", 1}, Dtype{"F8_E5M2", 1}};

/// Bytes of a tensor, or nothing where they do not fit an int64.
std::optional<std::uint64_t> bytes_of(const TensorEntry& entry) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t stride = dtype_bytes(entry.dtype);
  bool is_empty = false;
  for (const std::int64_t size : entry.shape) {
    if (size == 0) is_empty = true;
    const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
    if (stride > kMax / factor) return std::nullopt;
    stride *= factor;
  }
  return is_empty ? 0 : stride;
}

void check_layout(const SafetensorsIndex& index, std::uint64_t data_bytes,
                  const std::string& name) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [key, entry] : index.tensors) {
    if (entry.begin > entry.end || entry.end > data_bytes) {
      fail_safetensors(name, "\"" + key + "\" lies outside the file");
    }
    const auto bytes = bytes_of(entry);
    if (!bytes || *bytes > data_bytes) {
      fail_safetensors(name, "\"" + key + "\" has a shape larger than the file");
    }
    if (*bytes != entry.end - entry.begin) {
      fail_safetensors(name, "\"" + key + "\" has a shape that does not fit its bytes");
    }
    ranges.emplace_back(entry.begin, entry.end);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t at = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != at) fail_safetensors(name, "tensors overlap or leave a gap");
    at = end;
  }
  if (at != data_bytes) fail_safetensors(name, "bytes behind the last tensor, or too few of them");
}

/// Bytes of the header, from the file's first 8 bytes.
std::uint64_t header_length(std::string_view head, std::uint64_t file_bytes,
                            const std::string& name) {
  if (file_bytes < kLengthBytes || head.size() < kLengthBytes)
    fail_safetensors(name, "shorter than 8 bytes");
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) {
    length = length << 8U | static_cast<unsigned char>(head[i]);
  }
  if (length > kHeaderBytesMax || length > file_bytes - kLengthBytes) {
    fail_safetensors(name, "the header's length does not fit the file");
  }
  return length;
}

std::ifstream open_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw_invalid(path.string() + ": no such file");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(ErrorCode::Unavailable, path.string() + ": cannot be opened");
  return in;
}

}  // namespace

std::size_t dtype_bytes(std::string_view dtype) {
  for (const Dtype& known : kDtypes) {
    if (known.name == dtype) return known.bytes;
  }
  return 0;
}

SafetensorsIndex parse_safetensors_index(std::string_view head, std::uint64_t file_bytes,
                                         const std::string& name) {
  const std::uint64_t length = header_length(head, file_bytes, name);
  if (head.size() < kLengthBytes + length) fail_safetensors(name, "the header is cut off");
  SafetensorsIndex index;
  index.data_start = kLengthBytes + length;
  parse_safetensors_header(head.substr(kLengthBytes, length), index, name);
  check_layout(index, file_bytes - index.data_start, name);
  return index;
}

SafetensorsIndex read_safetensors_index(const std::filesystem::path& path) {
  std::ifstream in = open_file(path);
  const std::uint64_t file_bytes = std::filesystem::file_size(path);
  std::string head(std::min<std::uint64_t>(file_bytes, kLengthBytes), '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  const std::uint64_t length = header_length(head, file_bytes, path.string());
  head.resize(kLengthBytes + length);
  in.read(head.data() + kLengthBytes, static_cast<std::streamsize>(length));
  if (!in) throw Error(ErrorCode::Unavailable, path.string() + ": cannot be read");
  return parse_safetensors_index(head, file_bytes, path.string());
}

std::string read_tensor_bytes(const std::filesystem::path& path, const SafetensorsIndex& index,
                              const std::string& key) {
  const auto found = index.tensors.find(key);
  if (found == index.tensors.end()) {
    std::vector<std::string> names;
    names.reserve(index.tensors.size());
    for (const auto& [name, entry] : index.tensors) names.push_back(name);
    throw_invalid(path.string() + ": no tensor \"" + key + "\"" + nearest_hint(key, names));
  }
  const TensorEntry& entry = found->second;
  std::ifstream in = open_file(path);
  in.seekg(static_cast<std::streamoff>(index.data_start + entry.begin));
  std::string bytes(entry.end - entry.begin, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!in) throw_corrupt(path.string() + ": became shorter while it was read");
  return bytes;
}

std::string encode_safetensors_header(const std::map<std::string, TensorEntry>& tensors,
                                      const std::map<std::string, std::string>& metadata) {
  json::object header;
  if (!metadata.empty()) {
    json::object texts;
    for (const auto& [key, value] : metadata) texts[key] = value;
    header["__metadata__"] = std::move(texts);
  }
  std::uint64_t offset = 0;
  for (const auto& [key, entry] : tensors) {
    const auto bytes = bytes_of(entry);
    REPRISE_CHECK(bytes.has_value() && dtype_bytes(entry.dtype) != 0);
    header[key] = {{"dtype", entry.dtype},
                   {"shape", json::array(entry.shape.begin(), entry.shape.end())},
                   {"data_offsets", {offset, offset + *bytes}}};
    offset += *bytes;
  }
  std::string text = json::serialize(header);
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string bytes;
  for (unsigned i = 0; i < kLengthBytes; ++i) {
    bytes += static_cast<char>(text.size() >> (8 * i) & 255U);
  }
  return bytes + text;
}

}  // namespace reprise::sweep
