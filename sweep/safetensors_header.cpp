#include "sweep/safetensors_header.h"

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <limits>
#include <optional>
#include <set>
#include <vector>

#include "sweep/error.h"

namespace reprise::sweep {
namespace {

namespace json = boost::json;

constexpr std::size_t kRankMax = 16;
constexpr std::size_t kDepthMax = 8;

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
      if (!seen_.insert(text_).second) fail_safetensors(name_, "\"" + text_ + "\" occurs twice");
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
        fail_safetensors(name_, "\"" + tensor_ + "\" lacks dtype, shape or two data_offsets");
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
        fail_safetensors(name_, "metadata \"" + text_ + "\" occurs twice");
      }
    } else if (place_ == Place::Entry && text_ == "dtype" && !has_dtype_) {
      if (dtype_bytes(partial_) == 0) {
        fail_safetensors(
            name_, "\"" + tensor_ + "\" has the unknown dtype \"" + partial_.substr(0, 32) + "\"");
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
    fail_safetensors(name_, place_ == Place::Start ? "the header is not a JSON object"
                                                   : "\"" + (tensor_.empty() ? text_ : tensor_) +
                                                         "\": " + what + " where none belongs");
  }

  bool natural(std::uint64_t value) {
    if (place_ == Place::Shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        fail_safetensors(name_, "\"" + tensor_ + "\" has a shape larger than the file");
      }
      if (entry_.shape.size() == kRankMax)
        fail_safetensors(name_, "\"" + tensor_ + "\" has too many dimensions");
      entry_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::Offsets) {
      if (offsets_->size() == 2)
        fail_safetensors(name_, "\"" + tensor_ + "\" has more than two data_offsets");
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

}  // namespace

void fail_safetensors(const std::string& name, const std::string& what) {
  throw_corrupt(name + ": not a safetensors file: " + what);
}

void parse_safetensors_header(std::string_view header, SafetensorsIndex& index,
                              const std::string& name) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  json::basic_parser<Handler> parser(options, index, name);
  json::error_code error;
  const std::size_t used = parser.write_some(false, header.data(), header.size(), error);
  if (error || !parser.done()) fail_safetensors(name, "the header is not a JSON object");
  const bool is_padded = header.find_first_not_of(' ', used) == std::string_view::npos;
  if (!is_padded) fail_safetensors(name, "bytes behind the header's JSON");
}

}  // namespace reprise::sweep
