#include "sweep/network_schema.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <sstream>

#include "sweep/error.h"
#include "sweep/nearest.h"
#include "sweep/network_profile.h"
#include "sweep/study_sections.h"

namespace reprise::sweep {
namespace {

namespace json = boost::json;

/// Larger than any network of the field, and still an hour of patience away from the memory's end.
constexpr std::int64_t kParametersMax = 2'000'000'000;

NetworkKey integer(std::string name, std::int64_t standard, std::int64_t max,
                   std::int64_t min = 1) {
  return {.name = std::move(name), .standard = standard, .min = min, .max = max};
}

NetworkKey per_block_integer(std::string name, std::int64_t standard, std::int64_t max) {
  NetworkKey key = integer(std::move(name), standard, max);
  key.per_block = true;
  return key;
}

/// Chance of leaving a residual branch out of the last Swin layer in training.
NetworkKey drop_path(double standard) {
  return {.name = "drop_path", .standard = standard, .low = 0, .high = 0.9};
}

NetworkKey choice(std::string name, std::vector<std::string> choices) {
  return {.name = std::move(name), .standard = json::string(choices[0]), .choices = choices};
}

using Keys = std::vector<NetworkKey>;

/// Architectures with the defaults of their largest variant in the paper.
const std::map<std::string, Keys, std::less<>>& architectures() {
  static const std::map<std::string, Keys, std::less<>> table = {
      {"rdst",
       {integer("width", 60, 4096),
        integer("growth", 30, 4096),
        integer("heads", 6, 256),
        integer("window", 8, 64, 2),
        per_block_integer("layers", 2, 64),
        per_block_integer("dense_layers", 3, 64),
        integer("blocks", 8, 256),
        {.name = "gff", .standard = false},
        drop_path(0)}},
      {"swinir",
       {integer("width", 180, 4096),
        integer("heads", 6, 256),
        integer("window", 8, 64, 2),
        per_block_integer("layers", 6, 64),
        integer("blocks", 6, 256),
        {.name = "shift", .standard = false},
        choice("upsampler", {"direct", "steps"}),
        drop_path(0.1)}},
      {"edsr",
       {integer("width", 256, 4096),
        integer("blocks", 32, 1024),
        {.name = "residual_scale", .standard = 0.1},
        choice("activation", {"relu", "leaky"})}},
      {"rdn",
       {integer("width", 64, 4096), integer("growth", 32, 4096), integer("layers", 6, 64),
        integer("blocks", 20, 256)}},
      {"rcan",
       {integer("width", 64, 4096), integer("groups", 10, 256), integer("blocks", 20, 256),
        integer("reduction", 16, 4096)}},
      {"han",
       {integer("width", 128, 4096), integer("groups", 10, 256), integer("blocks", 20, 256),
        integer("reduction", 16, 4096)}},
      {"convnet", {integer("width", 192, 4096), integer("blocks", 32, 1024)}},
  };
  return table;
}

struct Preset {
  std::string architecture;
  Keys keys;  ///< The architecture's, with defaults of its own.
};

const std::map<std::string, Preset, std::less<>>& presets() {
  static const std::map<std::string, Preset, std::less<>> table = [] {
    std::map<std::string, Preset, std::less<>> all;
    const auto add = [&](const std::string& name, const std::string& architecture,
                         const json::object& values) {
      Keys keys = architectures().at(architecture);
      for (NetworkKey& key : keys) {
        if (const json::value* value = values.if_contains(key.name)) key.standard = *value;
      }
      all[name] = {architecture, std::move(keys)};
    };
    for (const auto& [name, keys] : architectures()) add(name, name, {});
    add("rdst-e", "rdst", {{"blocks", 4}});
    add("rdst-gff", "rdst", {{"gff", true}});
    add("swinir-lite", "swinir", {{"width", 60}, {"blocks", 4}});
    add("edsr-lite", "edsr",
        {{"width", 64}, {"blocks", 16}, {"residual_scale", 1.0}, {"activation", "leaky"}});
    add("convnet-lite", "convnet", {{"width", 64}, {"blocks", 16}});
    add("convnet-large", "convnet", {});
    return all;
  }();
  return table;
}

const Preset& preset(std::string_view name) {
  const auto found = presets().find(name);
  if (found == presets().end()) {
    throw_invalid("network.name = \"" + std::string(name) + "\": no such network" +
                  nearest_hint(name, network_names()));
  }
  return found->second;
}

[[noreturn]] void refuse(std::string_view key, const json::value& value, const std::string& what) {
  throw_invalid("network." + std::string(key) + " = " + json::serialize(value) + ": " + what);
}

std::string shown(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

std::int64_t checked_integer(const NetworkKey& key, const json::value& value) {
  json::error_code error;
  const auto number =
      value.is_int64() || value.is_uint64() ? value.to_number<std::int64_t>(error) : key.min - 1;
  if (error || number < key.min || number > key.max) {
    refuse(key.name, value,
           "must be an integer between " + std::to_string(key.min) + " and " +
               std::to_string(key.max) +
               (key.per_block ? ", or a list of one for each block" : ""));
  }
  return number;
}

/// The value in the type of its default.
json::value checked(const NetworkKey& key, const json::value& value) {
  if (key.standard.is_int64()) {
    if (!key.per_block || !value.is_array()) return checked_integer(key, value);
    const json::array& list = value.get_array();
    if (list.empty()) refuse(key.name, value, "must not be empty");
    json::array numbers;
    for (const json::value& item : list) numbers.emplace_back(checked_integer(key, item));
    return numbers;
  }
  if (key.standard.is_double()) {
    const double number = value.is_number() ? value.to_number<double>() : key.low - 1;
    if (!(number >= key.low && number <= key.high)) {
      refuse(key.name, value,
             "must be a number between " + shown(key.low) + " and " + shown(key.high));
    }
    return number;
  }
  if (key.standard.is_bool() && !value.is_bool()) refuse(key.name, value, "must be true or false");
  if (key.standard.is_string()) {
    const std::string text = value.is_string() ? std::string(value.get_string()) : "";
    if (std::find(key.choices.begin(), key.choices.end(), text) == key.choices.end()) {
      refuse(key.name, value, "unknown value" + nearest_hint(text, key.choices));
    }
  }
  return value;
}

/// Lists of equal integers become that integer; the lists' length fixes the blocks.
std::optional<NetworkConflict> settle_lists(json::object& network, const Keys& keys,
                                            bool blocks_given) {
  for (const NetworkKey& key : keys) {
    json::value& value = network.at(key.name);
    if (!value.is_array()) continue;
    const json::array& list = value.get_array();
    const auto length = static_cast<std::int64_t>(list.size());
    // Not network["blocks"]: that may make room for one more and move what `list` refers to.
    if (!blocks_given) network.at("blocks") = length;
    blocks_given = true;
    const std::int64_t blocks = network.at("blocks").as_int64();
    if (length != blocks) {
      return NetworkConflict{key.name, "has " + std::to_string(length) + " values for " +
                                           std::to_string(blocks) + " blocks"};
    }
    if (std::all_of(list.begin(), list.end(), [&](const auto& item) { return item == list[0]; })) {
      const std::int64_t common = list[0].as_int64();
      value = common;
    }
  }
  return std::nullopt;
}

/// Fills in the defaults; values that were given are of the right type. Tells what does not go
/// together.
std::optional<NetworkConflict> complete(const std::string& name, const json::object& given,
                                        json::object& network) {
  const Keys& keys = network_keys(name);
  network = {{"name", preset(name).architecture}};
  for (const NetworkKey& key : keys) {
    const json::value* value = given.if_contains(key.name);
    network[key.name] = value == nullptr ? key.standard : *value;
  }
  if (auto conflict = settle_lists(network, keys, given.contains("blocks"))) return conflict;
  return find_conflict(network);
}

}  // namespace

const std::vector<std::string>& network_names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> names;
    for (const auto& [name, unused] : presets()) names.push_back(name);
    return names;
  }();
  return all;
}

const Keys& network_keys(std::string_view name) { return preset(name).keys; }

std::vector<std::int64_t> per_block(const json::object& network, std::string_view key) {
  const json::value& value = network.at(key);
  if (value.is_int64()) {
    return std::vector<std::int64_t>(static_cast<std::size_t>(network.at("blocks").as_int64()),
                                     value.as_int64());
  }
  std::vector<std::int64_t> numbers;
  numbers.reserve(value.as_array().size());
  for (const json::value& item : value.as_array()) numbers.push_back(item.as_int64());
  return numbers;
}

std::optional<NetworkConflict> find_conflict(const json::object& network) {
  const std::string_view name = network.at("name").as_string();
  const auto divides = [&](const char* key, std::int64_t value,
                           const char* of) -> std::optional<NetworkConflict> {
    const std::int64_t whole = network.at(of).as_int64();
    if (whole % value == 0) return std::nullopt;
    return NetworkConflict{
        of, "must be a multiple of " + std::string(key) + " (" + std::to_string(value) + ")"};
  };
  if (name == "rdst" || name == "swinir") {
    const std::int64_t heads = network.at("heads").as_int64();
    if (const auto conflict = divides("heads", heads, "width")) return conflict;
    // Every dense layer of RDST attends over width + k * growth channels.
    if (name == "rdst") {
      if (const auto conflict = divides("heads", heads, "growth")) return conflict;
    }
  }
  if (name == "rcan" || name == "han") {
    if (const auto conflict = divides("reduction", network.at("reduction").as_int64(), "width")) {
      return conflict;
    }
  }
  // The reference's last_conv takes 11 times the width: ten groups and the convolution behind them.
  if (name == "han" && network.at("groups").as_int64() != 10) {
    return NetworkConflict{"groups",
                           "must be 10: HAN fuses its ten groups and the convolution "
                           "behind them in one layer of fixed size"};
  }
  const std::int64_t parameters = profile_network(network, {.reach = false}).parameters;
  if (parameters > kParametersMax) {
    return NetworkConflict{"width", "gives a network of " + std::to_string(parameters) +
                                        " parameters, more than " + std::to_string(kParametersMax)};
  }
  return std::nullopt;
}

json::object resolve_network(const json::object& given) {
  const json::value* name = given.if_contains("name");
  if (name == nullptr || !name->is_string()) {
    throw_invalid("network.name = " + (name == nullptr ? "nothing" : json::serialize(*name)) +
                  ": must be the name of a network" + nearest_hint("", network_names()));
  }
  const std::string own(name->get_string());
  std::vector<std::string> known;
  json::object values;
  for (const NetworkKey& key : network_keys(own)) {
    known.push_back(key.name);
    const json::value* value = given.if_contains(key.name);
    if (value != nullptr) values[key.name] = checked(key, *value);
  }
  for (const auto& [key, value] : given) {
    if (key != "name" && std::find(known.begin(), known.end(), key) == known.end()) {
      throw_invalid("network." + std::string(key) + ": no such key of " + own +
                    nearest_hint(key, known));
    }
  }
  json::object network;
  if (const auto conflict = complete(own, values, network)) {
    refuse(conflict->key, network.at(conflict->key), conflict->reason);
  }
  return network;
}

json::object read_network(TomlReader reader, bool swin_shift) {
  const std::string name = reader.choice("name", "rdst", network_names());
  json::object given = {{"name", name}};
  for (const NetworkKey& key : network_keys(name)) {
    const toml::node* node = reader.node(key.name);
    if (node == nullptr) {
      if (key.name == "shift") given[key.name] = swin_shift;
      continue;
    }
    if (key.per_block && node->is_array()) {
      const auto numbers = reader.integers(key.name, {}, key.min, key.max);
      given[key.name] = json::array(numbers.begin(), numbers.end());
    } else if (key.standard.is_int64()) {
      given[key.name] = reader.integer(key.name, std::nullopt, key.min, key.max);
    } else if (key.standard.is_double()) {
      given[key.name] = reader.number(key.name, std::nullopt, key.low, key.high);
    } else if (key.standard.is_bool()) {
      given[key.name] = reader.boolean(key.name, false);
    } else {
      given[key.name] = reader.choice(key.name, std::nullopt, key.choices);
    }
  }
  reader.finish();
  json::object network;
  if (const auto conflict = complete(name, given, network)) {
    reader.fail(conflict->key, conflict->reason);
  }
  return network;
}

}  // namespace reprise::sweep
