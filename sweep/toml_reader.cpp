#include "sweep/toml_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <sstream>

#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::sweep {
namespace {

template <typename T>
std::string range_text(T min, T max) {
  std::ostringstream out;
  out << "must be between " << min << " and " << max;
  return out.str();
}

}  // namespace

std::string shown(const toml::node& node, bool quoted) {
  if (const auto* text = node.as_string()) return quoted ? "\"" + text->get() + "\"" : text->get();
  if (node.is_table()) return "a table";
  if (node.is_array()) return "a list";
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
  if (const auto* number = node.as_floating_point()) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number->get(),
                                   std::chars_format::general, 6);
    return {digits.data(), end.ptr};
  }
  std::ostringstream out;
  node.visit([&](const auto& value) {
    if constexpr (toml::is_value<decltype(value)>) out << value.get();
  });
  return out.str();
}

std::string place_of(const toml::source_region& source, const std::string& file) {
  std::string text = source.path ? *source.path : file;
  if (source.begin.line > 0) {
    text += ":" + std::to_string(source.begin.line) + ":" + std::to_string(source.begin.column);
  }
  return text;
}

TomlReader::TomlReader(std::string file, std::string path, std::vector<const toml::table*> layers,
                       std::shared_ptr<const Values> values, std::vector<Overlay> overlay)
    : file_(std::move(file)),
      path_(std::move(path)),
      layers_(std::move(layers)),
      values_(std::move(values)),
      overlay_(std::move(overlay)) {}

const toml::node* TomlReader::resolve(const toml::node* node) const {
  for (int depth = 0; node != nullptr && depth < 8; ++depth) {
    const auto* text = node->as_string();
    if (text == nullptr) return node;
    const std::string& mark = text->get();
    if (mark.size() < 4 || mark.rfind("${", 0) != 0 || mark.back() != '}') return node;
    const std::string name = mark.substr(2, mark.size() - 3);
    const toml::node* found = nullptr;
    std::vector<std::string> valid;
    if (values_ != nullptr) {
      for (const toml::table* layer : *values_) {
        if (found == nullptr) found = layer->get(name);
        for (const auto& [key, value] : *layer) valid.emplace_back(key.str());
      }
    }
    if (found == nullptr) {
      throw_invalid(place_of(node->source(), file_) + ": \"" + mark +
                    "\": no such key in [values]" + nearest_hint(name, valid));
    }
    node = found;
  }
  if (node == nullptr) return nullptr;
  throw_invalid(place_of(node->source(), file_) + ": [values] refer to each other in a circle");
}

const toml::node* TomlReader::find(std::string_view key) const {
  for (const Overlay& entry : overlay_) {
    if (entry.key == key) return resolve(entry.node);
  }
  for (const toml::table* layer : layers_) {
    if (const toml::node* node = layer->get(key)) return resolve(node);
  }
  return nullptr;
}

const toml::node* TomlReader::node(std::string_view key) {
  known_.emplace_back(key);
  return find(key);
}

bool TomlReader::has(std::string_view key) { return node(key) != nullptr; }

toml::source_region TomlReader::source(std::string_view key) const {
  toml::source_region source{};  // Lines of nothing are 0, not whatever was there.
  const auto below = [&](const Overlay& entry) {
    return entry.key == key || entry.key.rfind(std::string(key) + ".", 0) == 0;
  };
  const auto entry = std::find_if(overlay_.begin(), overlay_.end(), below);
  if (entry != overlay_.end()) {
    source = entry->source;
  } else if (const toml::node* node = find(key)) {
    source = node->source();
  }
  if (source.begin.line == 0 && !layers_.empty()) source = layers_.front()->source();
  return source;
}

std::string TomlReader::place(std::string_view key) const {
  return place_of(source(key), file_) + ": " + (path_.empty() ? "" : path_ + ".") +
         std::string(key);
}

// NOLINTNEXTLINE(misc-no-recursion): once for each dot.
std::string TomlReader::where(const std::string& dotted) const {
  const std::size_t dot = dotted.find('.');
  const std::string first = dotted.substr(0, dot);
  TomlReader copy = *this;
  if (dot != std::string::npos && copy.has(first) && copy.node(first)->is_table()) {
    const TomlReader below = copy.table(first);
    const std::string rest = dotted.substr(dot + 1);
    const bool is_set = below.find(rest.substr(0, rest.find('.'))) != nullptr;
    if (is_set) return below.where(rest);
  }
  const std::string found = place(dot == std::string::npos ? first : dotted);
  return found.substr(0, found.find(": "));
}

void TomlReader::fail(std::string_view key, const std::string& what) const {
  const toml::node* node = find(key);
  throw_invalid(place(key) + (node != nullptr ? " = " + shown(*node, true) : "") + ": " + what);
}

void TomlReader::fail_type(std::string_view key, std::string_view expected) const {
  fail(key, find(key) == nullptr ? "is missing (" + std::string(expected) + ")"
                                 : "must be " + std::string(expected));
}

std::int64_t TomlReader::integer(std::string_view key, std::optional<std::int64_t> fallback,
                                 std::int64_t min, std::int64_t max) {
  const toml::node* found = node(key);
  if (found == nullptr && fallback) return *fallback;
  if (found == nullptr || !found->is_integer()) fail_type(key, "an integer");
  const std::int64_t value = found->as_integer()->get();
  if (value < min || value > max) fail(key, range_text(min, max));
  return value;
}

double TomlReader::number(std::string_view key, std::optional<double> fallback, double min,
                          double max) {
  const toml::node* found = node(key);
  if (found == nullptr && fallback) return *fallback;
  if (found == nullptr || !found->is_number()) fail_type(key, "a number");
  const double value = *found->value<double>();
  if (!(value >= min && value <= max)) fail(key, range_text(min, max));
  return value;
}

bool TomlReader::boolean(std::string_view key, bool fallback) {
  const toml::node* found = node(key);
  if (found == nullptr) return fallback;
  if (!found->is_boolean()) fail_type(key, "true or false");
  return found->as_boolean()->get();
}

std::string TomlReader::text(std::string_view key, std::optional<std::string> fallback) {
  const toml::node* found = node(key);
  if (found == nullptr && fallback) return *fallback;
  if (found == nullptr || !found->is_string()) fail_type(key, "a text");
  return found->as_string()->get();
}

std::string TomlReader::choice(std::string_view key, std::optional<std::string> fallback,
                               const std::vector<std::string>& choices) {
  std::string value = text(key, std::move(fallback));
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    fail(key, "unknown value" + nearest_hint(value, choices));
  }
  return value;
}

std::vector<std::int64_t> TomlReader::integers(std::string_view key,
                                               std::vector<std::int64_t> fallback, std::int64_t min,
                                               std::int64_t max) {
  const toml::node* found = node(key);
  if (found == nullptr) return fallback;
  if (!found->is_array()) fail_type(key, "a list of integers");
  std::vector<std::int64_t> values;
  for (const toml::node& item : *found->as_array()) {
    if (!item.is_integer()) fail(key, "must hold integers only, not " + shown(item, true));
    const std::int64_t value = item.as_integer()->get();
    if (value < min || value > max) fail(key, "every item " + range_text(min, max));
    values.push_back(value);
  }
  return values;
}

std::vector<std::string> TomlReader::texts(std::string_view key,
                                           std::vector<std::string> fallback) {
  const toml::node* found = node(key);
  if (found == nullptr) return fallback;
  if (!found->is_array()) fail_type(key, "a list of texts");
  std::vector<std::string> values;
  for (const toml::node& written : *found->as_array()) {
    const toml::node& item = *resolve(&written);
    if (!item.is_string()) fail(key, "must hold texts only, not " + shown(item, true));
    values.push_back(item.as_string()->get());
  }
  return values;
}

TomlReader TomlReader::table(std::string_view key) {
  known_.emplace_back(key);
  std::vector<const toml::table*> below;
  std::vector<Overlay> overlay;
  const std::string prefix = std::string(key) + ".";
  const auto add = [&](const toml::node* found) {
    if (found == nullptr) return;
    if (!found->is_table()) fail_type(key, "a table");
    below.push_back(found->as_table());
  };
  for (const Overlay& entry : overlay_) {
    if (entry.key == key) add(resolve(entry.node));
    if (entry.key.rfind(prefix, 0) == 0) {
      overlay.push_back({entry.key.substr(prefix.size()), entry.node, entry.source});
    }
  }
  for (const toml::table* layer : layers_) add(resolve(layer->get(key)));
  return {file_, path_.empty() ? std::string(key) : path_ + "." + std::string(key), below, values_,
          std::move(overlay)};
}

std::vector<TomlReader> TomlReader::tables(std::string_view key) {
  const toml::node* found = node(key);
  if (found == nullptr) return {};
  if (!found->is_array()) fail_type(key, "a list of tables ([[" + std::string(key) + "]])");
  std::vector<TomlReader> readers;
  for (const toml::node& item : *found->as_array()) {
    if (!item.is_table()) fail_type(key, "a list of tables ([[" + std::string(key) + "]])");
    readers.emplace_back(file_, std::string(key) + "[" + std::to_string(readers.size()) + "]",
                         std::vector<const toml::table*>{item.as_table()}, values_);
  }
  return readers;
}

std::vector<std::string> TomlReader::names() {
  std::vector<std::string> keys;
  if (layers_.empty()) return keys;
  for (const auto& [key, value] : *layers_.front()) {
    keys.emplace_back(key.str());
    known_.emplace_back(key.str());
  }
  return keys;
}

void TomlReader::finish() const {
  const auto check = [&](const std::string& name, const toml::source_region& source) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) return;
    const std::set<std::string> sorted(known_.begin(), known_.end());
    const std::vector<std::string> valid(sorted.begin(), sorted.end());
    const toml::node* node = find(name);
    throw_invalid(place_of(source, file_) + ": " + (path_.empty() ? "" : path_ + ".") + name +
                  (node != nullptr ? " = " + shown(*node, true) : "") + ": unknown key" +
                  nearest_hint(name, valid));
  };
  for (const Overlay& entry : overlay_)
    check(entry.key.substr(0, entry.key.find('.')), entry.source);
  for (const toml::table* layer : layers_) {
    for (const auto& [key, value] : *layer) check(std::string(key.str()), key.source());
  }
}

}  // namespace reprise::sweep
