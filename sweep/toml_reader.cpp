#include "sweep/toml_reader.h"

#include <algorithm>
#include <sstream>

#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::sweep {
namespace {

std::string shown(const toml::node& node) {
  std::ostringstream out;
  if (const auto* text = node.as_string()) {
    out << '"' << text->get() << '"';
  } else if (node.is_table()) {
    out << "a table";
  } else if (node.is_array()) {
    out << "a list";
  } else {
    node.visit([&](const auto& value) {
      if constexpr (toml::is_value<decltype(value)>) out << value.get();
    });
  }
  return out.str();
}

template <typename T>
std::string range_text(T min, T max) {
  std::ostringstream out;
  out << "must be between " << min << " and " << max;
  return out.str();
}

}  // namespace

TomlReader::TomlReader(std::string file, std::string path, std::vector<const toml::table*> layers)
    : file_(std::move(file)), path_(std::move(path)), layers_(std::move(layers)) {}

const toml::node* TomlReader::find(std::string_view key) const {
  for (const toml::table* layer : layers_) {
    if (const toml::node* node = layer->get(key)) return node;
  }
  return nullptr;
}

const toml::node* TomlReader::node(std::string_view key) {
  known_.emplace(key);
  return find(key);
}

bool TomlReader::has(std::string_view key) { return node(key) != nullptr; }

std::string TomlReader::place(std::string_view key) const {
  std::string text = file_;
  const toml::node* node = find(key);
  toml::source_index line = node != nullptr ? node->source().begin.line : 0;
  if (line == 0 && !layers_.empty()) line = layers_.front()->source().begin.line;
  if (line > 0) text += ":" + std::to_string(line);
  text += ": ";
  if (!path_.empty()) text += path_ + ".";
  return text + std::string(key);
}

void TomlReader::fail(std::string_view key, const std::string& what) const {
  const toml::node* node = find(key);
  throw_invalid(place(key) + (node != nullptr ? " = " + shown(*node) : "") + ": " + what);
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
    if (!item.is_integer()) fail(key, "must hold integers only, not " + shown(item));
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
  for (const toml::node& item : *found->as_array()) {
    if (!item.is_string()) fail(key, "must hold texts only, not " + shown(item));
    values.push_back(item.as_string()->get());
  }
  return values;
}

TomlReader TomlReader::table(std::string_view key) {
  known_.emplace(key);
  std::vector<const toml::table*> below;
  for (const toml::table* layer : layers_) {
    const toml::node* found = layer->get(key);
    if (found == nullptr) continue;
    if (!found->is_table()) fail_type(key, "a table");
    below.push_back(found->as_table());
  }
  return {file_, path_.empty() ? std::string(key) : path_ + "." + std::string(key), below};
}

std::vector<TomlReader> TomlReader::tables(std::string_view key) {
  const toml::node* found = node(key);
  if (found == nullptr) return {};
  if (!found->is_array()) fail_type(key, "a list of tables ([[" + std::string(key) + "]])");
  std::vector<TomlReader> readers;
  for (const toml::node& item : *found->as_array()) {
    if (!item.is_table()) fail_type(key, "a list of tables ([[" + std::string(key) + "]])");
    readers.emplace_back(file_, std::string(key) + "[" + std::to_string(readers.size()) + "]",
                         std::vector<const toml::table*>{item.as_table()});
  }
  return readers;
}

std::vector<std::string> TomlReader::names() {
  std::vector<std::string> keys;
  if (layers_.empty()) return keys;
  for (const auto& [key, value] : *layers_.front()) {
    keys.emplace_back(key.str());
    known_.emplace(key.str());
  }
  return keys;
}

void TomlReader::finish() const {
  for (const toml::table* layer : layers_) {
    for (const auto& [key, value] : *layer) {
      if (known_.find(key.str()) != known_.end()) continue;
      const std::vector<std::string> valid(known_.begin(), known_.end());
      const std::string name(key.str());
      fail(name, "unknown key" + nearest_hint(name, valid));
    }
  }
}

}  // namespace reprise::sweep
