#include "models/safetensors.h"

#include <array>
#include <boost/json.hpp>
#include <cstring>
#include <utility>
#include <vector>

#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::models {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kHeaderBytesMax = 100'000'000;
constexpr std::size_t kFileBytesMax = std::size_t{16} << 30U;
constexpr std::size_t kRankMax = 16;

const std::vector<std::pair<std::string, torch::ScalarType>>& types() {
  static const std::vector<std::pair<std::string, torch::ScalarType>> table = {
      {"F64", torch::kFloat64},   {"F32", torch::kFloat32}, {"F16", torch::kFloat16},
      {"BF16", torch::kBFloat16}, {"I64", torch::kInt64},   {"I32", torch::kInt32},
      {"I16", torch::kInt16},     {"I8", torch::kInt8},     {"U8", torch::kUInt8},
      {"BOOL", torch::kBool}};
  return table;
}

class Reader {
 public:
  Reader(const std::string& bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  TensorFile read() {
    if (bytes_.size() < 8) fail("shorter than 8 bytes");
    std::uint64_t header_bytes = 0;
    for (int i = 7; i >= 0; --i) {
      header_bytes =
          header_bytes << 8U | static_cast<unsigned char>(bytes_[static_cast<std::size_t>(i)]);
    }
    if (header_bytes > kHeaderBytesMax || header_bytes > bytes_.size() - 8) {
      fail("the header's length does not fit the file");
    }
    data_ = std::string_view(bytes_).substr(8 + header_bytes);
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = 8;
    const json::value header =
        json::parse(json::string_view(bytes_.data() + 8, header_bytes), error, {}, options);
    if (error || !header.is_object()) fail("the header is not a JSON object");
    TensorFile file;
    for (const auto& [key, value] : header.get_object()) {
      if (!value.is_object()) fail("entry \"" + std::string(key) + "\" is not an object");
      if (key == "__metadata__") {
        read_metadata(file, value.get_object());
      } else {
        file.tensors.emplace(std::string(key), tensor(std::string(key), value.get_object()));
      }
    }
    check_cover();
    return file;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw_corrupt(name_ + ": not a safetensors file: " + what);
  }

  void read_metadata(TensorFile& file, const json::object& entries) {
    for (const auto& [key, value] : entries) {
      if (!value.is_string()) fail("metadata \"" + std::string(key) + "\" is not a text");
      file.metadata[std::string(key)] = std::string(value.get_string());
    }
  }

  std::uint64_t natural(const json::value& value, const std::string& key) const {
    if (value.is_uint64()) return value.get_uint64();
    if (!value.is_int64() || value.get_int64() < 0) fail("\"" + key + "\" has a bad number");
    return static_cast<std::uint64_t>(value.get_int64());
  }

  torch::Tensor tensor(const std::string& key, const json::object& entry) {
    const json::value* dtype = entry.if_contains("dtype");
    const json::value* shape = entry.if_contains("shape");
    const json::value* offsets = entry.if_contains("data_offsets");
    if (dtype == nullptr || !dtype->is_string() || shape == nullptr || !shape->is_array() ||
        offsets == nullptr || !offsets->is_array() || offsets->get_array().size() != 2) {
      fail("\"" + key + "\" lacks dtype, shape or data_offsets");
    }
    const torch::ScalarType* type = nullptr;
    for (const auto& [name, value] : types()) {
      if (dtype->get_string() == name) type = &value;
    }
    if (type == nullptr) fail("\"" + key + "\" has an unknown dtype");
    const std::uint64_t begin = natural(offsets->get_array()[0], key);
    const std::uint64_t end = natural(offsets->get_array()[1], key);
    if (begin > end || end > data_.size()) fail("\"" + key + "\" lies outside the file");
    if (shape->get_array().size() > kRankMax) fail("\"" + key + "\" has too many dimensions");
    std::uint64_t count = torch::elementSize(*type);
    std::vector<std::int64_t> sizes;
    for (const json::value& item : shape->get_array()) {
      const std::uint64_t size = natural(item, key);
      if (size != 0 && count > data_.size() / size)
        count = data_.size() + 1;  // Too large.
      else
        count *= size;
      if (count > data_.size()) fail("\"" + key + "\" has a shape larger than the file");
      sizes.push_back(static_cast<std::int64_t>(size));
    }
    if (count != end - begin) fail("\"" + key + "\" has a shape that does not fit its bytes");
    ranges_.emplace_back(begin, end);
    torch::Tensor out = torch::empty(sizes, *type);
    if (count > 0) std::memcpy(out.data_ptr(), data_.data() + begin, count);
    return out;
  }

  void check_cover() {
    std::sort(ranges_.begin(), ranges_.end());
    std::uint64_t at = 0;
    for (const auto& [begin, end] : ranges_) {
      if (begin != at) fail("tensors overlap or leave a gap");
      at = end;
    }
    if (at != data_.size()) fail("bytes behind the last tensor, or too few of them");
  }

  const std::string& bytes_;
  std::string name_;
  std::string_view data_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;
};

}  // namespace

TensorFile read_safetensors(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kFileBytesMax);
  return Reader(bytes, path.string()).read();
}

std::string encode_safetensors(const TensorFile& file) {
  json::object header;
  if (!file.metadata.empty()) {
    json::object metadata;
    for (const auto& [key, value] : file.metadata) metadata[key] = value;
    header["__metadata__"] = std::move(metadata);
  }
  std::vector<torch::Tensor> tensors;
  std::uint64_t offset = 0;
  for (const auto& [key, value] : file.tensors) {
    tensors.push_back(value.detach().to(torch::kCPU).contiguous());
    std::string dtype;
    for (const auto& [name, type] : types()) {
      if (type == value.scalar_type()) dtype = name;
    }
    REPRISE_CHECK(!dtype.empty());
    const std::uint64_t end = offset + tensors.back().nbytes();
    header[key] = {{"dtype", dtype},
                   {"shape", json::array(value.sizes().begin(), value.sizes().end())},
                   {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = json::serialize(header);
  text.append((8 - text.size() % 8) % 8, ' ');  // Data starts aligned, as the format recommends.
  std::string bytes;
  bytes.reserve(8 + text.size() + offset);
  for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>(text.size() >> (8 * i) & 255U);
  bytes += text;
  for (const torch::Tensor& tensor : tensors) {
    bytes.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  }
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  write_file_atomically(path, encode_safetensors(file));
}

}  // namespace reprise::models
