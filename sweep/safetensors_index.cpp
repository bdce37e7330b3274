#include "sweep/safetensors_index.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <fstream>
#include <limits>
#include <optional>
#include <set>

#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::sweep {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kHeaderBytesMax = 100'000'000;  // As in the format's own library.
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kRankMax = 16;
constexpr std::size_t kDepthMax = 8;

struct Dtype {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array kDtypes = {
    Dtype{"F64", 8}, Dtype{"F32", 4}, Dtype{"F16", 2},  Dtype{"BF16", 2},    Dtype{"I64", 8},
    Dtype{"I32", 4}, Dtype{"I16", 2}, Dtype{"I8", 1},   Dtype{"U64", 8},     Dtype{"U32", 4},
    Dtype{"U16", 2}, Dtype{"U8", 1},  Dtype{"BOOL", 1}, Dtype{"F8_E4M3", 1}, Dtype{"F8_E5M2", 1}};

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw_corrupt(name + ": not a safetensors file: " + what);
}

/// Takes the header's JSON event by event, so that nothing but well-formed entries is ever stored.
class Handler {
 public:
  // NOLINTBEGIN(readability-identifier-naming): names that boost::json::basic_parser asks for.
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = 1U << 16U;
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
  // NOLINTEND(readability-identifier-naming)
  using Code = json::error_code;

  Handler(SafetensorsIndex& index, std::string name) : index_(index), name_(std::move(name)) {}

  bool on_document_begin(Code& /*unused*/) { return true; }
  bool on_document_end(Code& /*unused*/) { return true; }

  bool on_object_begin(Code& /*unused*/) {
    if (place_ == Place::Start) {
      place_ = Place::Top;
    } else if (place_ == Place::Top) {
      if (!seen_.insert(text_).second) fail(name_, "\"" + text_ + "\" occurs twice");
      tensor_ = text_;
      place_ = text_ == "__metadata__" ? Place::Metadata : Place::Entry;
      entry_ = {};
      has_dtype_ = false;
      offsets_.reset();
      has_shape_ = false;
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool on_object_end(std::size_t /*unused*/, Code& /*unused*/) {
    if (place_ == Place::Top) {
      place_ = Place::End;
      return true;
    }
    if (place_ == Place::Entry) {
      if (!has_dtype_ || !has_shape_ || !offsets_ || offsets_->size() != 2) {
        fail(name_, "\"" + tensor_ + "\" lacks dtype, shape or two data_offsets");
      }
      entry_.begin = (*offsets_)[0];
      entry_.end = (*offsets_)[1];
      index_.tensors.emplace(tensor_, std::move(entry_));
    }
    place_ = Place::Top;
    return true;
  }

  bool on_array_begin(Code& /*unused*/) {
    if (place_ != Place::Entry) unexpected("a list");
    if (text_ == "shape" && !has_shape_) {
      place_ = Place::Shape;
    } else if (text_ == "data_offsets" && !offsets_) {
      place_ = Place::Offsets;
      offsets_.emplace();
    } else {
      unexpected("a list");
    }
    return true;
  }

  bool on_array_end(std::size_t /*unused*/, Code& /*unused*/) {
    if (place_ == Place::Shape) has_shape_ = true;
    place_ = Place::Entry;
    return true;
  }

  bool on_key_part(json::string_view part, std::size_t /*unused*/, Code& /*unused*/) {
    partial_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t /*unused*/, Code& /*unused*/) {
    partial_.append(part.data(), part.size());
    text_ = std::move(partial_);
    partial_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t /*unused*/, Code& /*unused*/) {
    if (place_ == Place::Metadata || place_ == Place::Entry) {
      partial_.append(part.data(), part.size());
    }
    return true;
  }
  bool on_string(json::string_view part, std::size_t /*unused*/, Code& /*unused*/) {
    partial_.append(part.data(), part.size());
    if (place_ == Place::Metadata) {
      if (!index_.metadata.emplace(text_, partial_).second) {
        fail(name_, "metadata \"" + text_ + "\" occurs twice");
      }
    } else if (place_ == Place::Entry && text_ == "dtype" && !has_dtype_) {
      if (dtype_bytes(partial_) == 0) {
        fail(name_, "\"" + tensor_ + "\" has the unknown dtype \"" + partial_.substr(0, 32) + "\"");
      }
      entry_.dtype = partial_;
      has_dtype_ = true;
    } else {
      unexpected("a text");
    }
    partial_.clear();
    return true;
  }

  bool on_number_part(json::string_view /*unused*/, Code& /*unused*/) { return true; }
  bool on_int64(std::int64_t value, json::string_view /*unused*/, Code& /*unused*/) {
    if (value < 0) unexpected("a negative number");
    return natural(static_cast<std::uint64_t>(value));
  }
  bool on_uint64(std::uint64_t value, json::string_view /*unused*/, Code& /*unused*/) {
    return natural(value);
  }
  bool on_double(double /*unused*/, json::string_view /*unused*/, Code& /*unused*/) {
    unexpected("a number that is no integer");
  }
  bool on_bool(bool /*unused*/, Code& /*unused*/) { unexpected("true or false"); }
  bool on_null(Code& /*unused*/) { unexpected("null"); }
  bool on_comment_part(json::string_view /*unused*/, Code& /*unused*/) { return true; }
  bool on_comment(json::string_view /*unused*/, Code& /*unused*/) { return true; }

 private:
  enum class Place : std::uint8_t { Start, Top, Metadata, Entry, Shape, Offsets, End };

  [[noreturn]] void unexpected(const std::string& what) const {
    fail(name_, place_ == Place::Start ? "the header is not a JSON object"
                                       : "\"" + (tensor_.empty() ? text_ : tensor_) +
                                             "\": " + what + " where none belongs");
  }

  bool natural(std::uint64_t value) {
    if (place_ == Place::Shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        fail(name_, "\"" + tensor_ + "\" has a shape larger than the file");
      }
      if (entry_.shape.size() == kRankMax)
        fail(name_, "\"" + tensor_ + "\" has too many dimensions");
      entry_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::Offsets) {
      if (offsets_->size() == 2) fail(name_, "\"" + tensor_ + "\" has more than two data_offsets");
      offsets_->push_back(value);
    } else {
      unexpected("a number");
    }
    return true;
  }

  SafetensorsIndex& index_;
  std::string name_;
  Place place_ = Place::Start;
  std::string partial_, text_, tensor_;  ///< Text being read, last key, entry being read.
  TensorEntry entry_;
  bool has_dtype_ = false, has_shape_ = false;
  std::optional<std::vector<std::uint64_t>> offsets_;
  std::set<std::string> seen_;
};

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
      fail(name, "\"" + key + "\" lies outside the file");
    }
    const auto bytes = bytes_of(entry);
    if (!bytes || *bytes > data_bytes) {
      fail(name, "\"" + key + "\" has a shape larger than the file");
    }
    if (*bytes != entry.end - entry.begin) {
      fail(name, "\"" + key + "\" has a shape that does not fit its bytes");
    }
    ranges.emplace_back(entry.begin, entry.end);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t at = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != at) fail(name, "tensors overlap or leave a gap");
    at = end;
  }
  if (at != data_bytes) fail(name, "bytes behind the last tensor, or too few of them");
}

/// Bytes of the header, from the file's first 8 bytes.
std::uint64_t header_length(std::string_view head, std::uint64_t file_bytes,
                            const std::string& name) {
  if (file_bytes < kLengthBytes || head.size() < kLengthBytes) fail(name, "shorter than 8 bytes");
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) {
    length = length << 8U | static_cast<unsigned char>(head[i]);
  }
  if (length > kHeaderBytesMax || length > file_bytes - kLengthBytes) {
    fail(name, "the header's length does not fit the file");
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
  if (head.size() < kLengthBytes + length) fail(name, "the header is cut off");
  SafetensorsIndex index;
  index.data_start = kLengthBytes + length;
  json::parse_options options;
  options.max_depth = kDepthMax;
  json::basic_parser<Handler> parser(options, index, name);
  json::error_code error;
  const std::size_t used = parser.write_some(false, head.data() + kLengthBytes, length, error);
  if (error || !parser.done()) fail(name, "the header is not a JSON object");
  for (std::size_t i = kLengthBytes + used; i < index.data_start; ++i) {
    if (head[i] != ' ') fail(name, "bytes behind the header's JSON");
  }
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
