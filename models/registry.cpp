/// The networks by name, with the paper's configuration of each as defaults.

#include <boost/json.hpp>

#include "models/convnet.h"
#include "models/edsr.h"
#include "models/han.h"
#include "models/network.h"
#include "models/rcan.h"
#include "models/rdn.h"
#include "models/rdst.h"
#include "models/swinir.h"
#include "sweep/error.h"

namespace reprise::models {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNaturalMax = 65536;

/// A complete, checked configuration: every read finds its key with the right type.
class Config {
 public:
  Config(json::object values, std::int64_t channels, std::int64_t scale)
      : channels_(channels), scale_(scale), values_(std::move(values)) {}

  [[nodiscard]] std::int64_t natural(const char* key) const { return values_.at(key).as_int64(); }
  [[nodiscard]] bool flag(const char* key) const { return values_.at(key).as_bool(); }
  [[nodiscard]] double number(const char* key) const { return values_.at(key).as_double(); }
  /// True for the second of two texts, false for the first.
  [[nodiscard]] bool is_second(const char* key, std::string_view first,
                               std::string_view second) const {
    const std::string_view text = values_.at(key).as_string();
    if (text != first && text != second) {
      throw_invalid("network." + std::string(key) + " = \"" + std::string(text) + "\": must be \"" +
                    std::string(first) + "\" or \"" + std::string(second) + "\"");
    }
    return text == second;
  }

  /// Options with the fields that every network has.
  template <typename Options>
  [[nodiscard]] Options start() const {
    Options options;
    options.channels = channels_;
    options.scale = scale_;
    options.width = natural("width");
    return options;
  }

 private:
  std::int64_t channels_, scale_;
  json::object values_;
};

std::shared_ptr<SrNetwork> make_rdst(const Config& config) {
  auto options = config.start<RdstOptions>();
  options.growth = config.natural("growth");
  options.heads = config.natural("heads");
  options.window = config.natural("window");
  const auto blocks = static_cast<std::size_t>(config.natural("blocks"));
  options.layers.assign(blocks, config.natural("layers"));
  options.dense_layers.assign(blocks, config.natural("dense_layers"));
  options.gff = config.flag("gff");
  return std::make_shared<Rdst>(options);
}

std::shared_ptr<SrNetwork> make_swinir(const Config& config) {
  auto options = config.start<SwinirOptions>();
  options.heads = config.natural("heads");
  options.window = config.natural("window");
  options.layers = config.natural("layers");
  options.blocks = config.natural("blocks");
  options.shift = config.flag("shift");
  options.step_upsampler = config.is_second("upsampler", "direct", "steps");
  return std::make_shared<Swinir>(options);
}

std::shared_ptr<SrNetwork> make_edsr(const Config& config) {
  auto options = config.start<EdsrOptions>();
  options.blocks = config.natural("blocks");
  options.residual_scale = config.number("residual_scale");
  options.leaky = config.is_second("activation", "relu", "leaky");
  return std::make_shared<Edsr>(options);
}

std::shared_ptr<SrNetwork> make_rdn(const Config& config) {
  auto options = config.start<RdnOptions>();
  options.growth = config.natural("growth");
  options.layers = config.natural("layers");
  options.blocks = config.natural("blocks");
  return std::make_shared<Rdn>(options);
}

std::shared_ptr<SrNetwork> make_convnet(const Config& config) {
  auto options = config.start<ConvnetOptions>();
  options.blocks = config.natural("blocks");
  return std::make_shared<Convnet>(options);
}

/// RCAN and HAN.
template <typename Network, typename Options>
std::shared_ptr<SrNetwork> make_grouped(const Config& config) {
  auto options = config.start<Options>();
  options.groups = config.natural("groups");
  options.blocks = config.natural("blocks");
  options.reduction = config.natural("reduction");
  return std::make_shared<Network>(options);
}

struct Entry {
  json::object defaults;  ///< The keys a configuration may have, and the paper's values.
  std::shared_ptr<SrNetwork> (*make)(const Config&);
};

const std::map<std::string, Entry>& entries() {
  static const std::map<std::string, Entry> table = [] {
    const json::object rdst = {{"width", 60}, {"growth", 30}, {"heads", 6},   {"window", 8},
                               {"layers", 2}, {"blocks", 8},  {"gff", false}, {"dense_layers", 3}};
    json::object rdst_e = rdst;
    rdst_e["blocks"] = 4;
    const json::object swinir = {{"width", 180},         {"heads", 6},  {"window", 8},
                                 {"layers", 6},          {"blocks", 6}, {"shift", false},
                                 {"upsampler", "direct"}};
    json::object swinir_lite = swinir;
    swinir_lite["width"] = 60;
    swinir_lite["blocks"] = 4;
    std::map<std::string, Entry> all;
    all["rdst"] = {rdst, make_rdst};
    all["rdst-e"] = {rdst_e, make_rdst};
    all["swinir"] = {swinir, make_swinir};
    all["swinir-lite"] = {swinir_lite, make_swinir};
    all["edsr"] = {
        {{"width", 256}, {"blocks", 32}, {"residual_scale", 0.1}, {"activation", "relu"}},
        make_edsr};
    all["edsr-lite"] = {
        {{"width", 64}, {"blocks", 16}, {"residual_scale", 1.0}, {"activation", "leaky"}},
        make_edsr};
    all["rdn"] = {{{"width", 64}, {"growth", 32}, {"layers", 6}, {"blocks", 20}}, make_rdn};
    all["rcan"] = {{{"width", 64}, {"groups", 10}, {"blocks", 20}, {"reduction", 16}},
                   make_grouped<Rcan, RcanOptions>};
    all["han"] = {{{"width", 128}, {"groups", 10}, {"blocks", 20}, {"reduction", 16}},
                  make_grouped<Han, HanOptions>};
    all["convnet-lite"] = {{{"width", 64}, {"blocks", 16}}, make_convnet};
    all["convnet-large"] = {{{"width", 192}, {"blocks", 32}}, make_convnet};
    return all;
  }();
  return table;
}

/// The value in the type of its default. Errors: InvalidInput naming key and value.
json::value checked(const std::string& key, const json::value& value, const json::value& standard) {
  const auto refuse = [&](const std::string& what) {
    throw_invalid("network." + key + " = " + json::serialize(value) + ": must be " + what);
  };
  if (standard.is_int64()) {
    boost::system::error_code error;
    const auto number = value.is_int64() || value.is_uint64() ? value.to_number<std::int64_t>(error)
                                                              : std::int64_t{0};
    if (error || number < 1 || number > kNaturalMax) {
      refuse("an integer from 1 to " + std::to_string(kNaturalMax));
    }
    return number;
  }
  if (standard.is_double()) {
    if (!value.is_number()) refuse("a number");
    return value.to_number<double>();
  }
  if (standard.is_bool() && !value.is_bool()) refuse("true or false");
  if (standard.is_string() && !value.is_string()) refuse("a text");
  return value;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries()) names.push_back(name);
  return names;
}

std::shared_ptr<SrNetwork> make_network(const json::object& config, std::int64_t channels,
                                        std::int64_t scale) {
  const json::value* given = config.if_contains("name");
  const std::string name =
      given != nullptr && given->is_string() ? std::string(given->get_string()) : "";
  const auto found = entries().find(name);
  if (found == entries().end()) {
    throw_invalid(
        "network.name = " + (given == nullptr ? std::string("nothing") : json::serialize(*given)) +
        ": no such network; there are " + joined(network_names()));
  }
  if (channels < 1 || scale < 2 || scale > 4) {
    throw_invalid("network: " + std::to_string(channels) + " channels at scale " +
                  std::to_string(scale) + ": needs channels, and scale 2, 3 or 4");
  }
  json::object values = found->second.defaults;
  for (const auto& [key, value] : config) {
    if (key == "name") continue;
    json::value* const standard = values.if_contains(key);
    if (standard == nullptr) {
      std::vector<std::string> keys;
      for (const auto& [known, unused] : values) keys.emplace_back(known);
      throw_invalid("network." + std::string(key) + ": no such key of " + name + "; there are " +
                    joined(keys));
    }
    *standard = checked(std::string(key), value, *standard);
  }
  return found->second.make(Config(std::move(values), channels, scale));
}

}  // namespace reprise::models
