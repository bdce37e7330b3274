/// The networks a study may name, with their parameters, ranges and the paper's defaults (section
/// 4.3; RDST-E is RDST with 4 blocks). models/registry.cpp computes them; a new network adds a row
/// here.

#include <boost/json.hpp>
#include <map>
#include <variant>

#include "sweep/study_sections.h"

namespace reprise::sweep {
namespace {

struct Natural {
  std::int64_t value, min, max;
};
using Choices = std::vector<std::string>;  ///< The first is the default.
using Parameter = std::variant<Natural, double, bool, Choices>;
using Parameters = std::map<std::string, Parameter>;

struct Schema {
  std::string architecture;  ///< The name in a stage's config: variants of one network share it.
  Parameters parameters;
};

Natural width(std::int64_t value) { return {value, 1, 4096}; }
Natural blocks(std::int64_t value) { return {value, 1, 256}; }
Natural heads(std::int64_t value) { return {value, 1, 256}; }
Natural window(std::int64_t value) { return {value, 2, 64}; }
Natural layers(std::int64_t value) { return {value, 1, 64}; }

Schema rdst(std::int64_t count) {
  return {"rdst",
          {{"width", width(60)},
           {"growth", width(30)},
           {"heads", heads(6)},
           {"window", window(8)},
           {"layers", layers(2)},
           {"dense_layers", layers(3)},
           {"blocks", blocks(count)},
           {"gff", false}}};
}
Schema swinir(std::int64_t wide, std::int64_t count) {
  return {"swinir",
          {{"width", width(wide)},
           {"heads", heads(6)},
           {"window", window(8)},
           {"layers", layers(6)},
           {"blocks", blocks(count)},
           {"shift", false},
           {"upsampler", Choices{"direct", "steps"}}}};
}
Schema edsr(std::int64_t wide, std::int64_t count, double scale, const Choices& activation) {
  return {"edsr",
          {{"width", width(wide)},
           {"blocks", blocks(count)},
           {"residual_scale", scale},
           {"activation", activation}}};
}
Schema grouped(const std::string& name, std::int64_t wide) {
  return {name,
          {{"width", width(wide)},
           {"groups", blocks(10)},
           {"blocks", blocks(20)},
           {"reduction", Natural{16, 1, 4096}}}};
}

const std::map<std::string, Schema>& schemas() {
  static const std::map<std::string, Schema> all = {
      {"rdst", rdst(8)},
      {"rdst-e", rdst(4)},
      {"swinir", swinir(180, 6)},
      {"swinir-lite", swinir(60, 4)},
      {"edsr", edsr(256, 32, 0.1, {"relu", "leaky"})},
      {"edsr-lite", edsr(64, 16, 1.0, {"leaky", "relu"})},
      {"rdn",
       {"rdn",
        {{"width", width(64)},
         {"growth", width(32)},
         {"layers", layers(6)},
         {"blocks", blocks(20)}}}},
      {"rcan", grouped("rcan", 64)},
      {"han", grouped("han", 128)},
      {"convnet-lite", {"convnet-lite", {{"width", width(64)}, {"blocks", blocks(16)}}}},
      {"convnet-large", {"convnet-large", {{"width", width(192)}, {"blocks", blocks(32)}}}}};
  return all;
}

boost::json::value read(TomlReader& reader, const std::string& key, const Parameter& parameter) {
  if (const auto* natural = std::get_if<Natural>(&parameter)) {
    return reader.integer(key, natural->value, natural->min, natural->max);
  }
  if (const auto* number = std::get_if<double>(&parameter)) {
    return reader.number(key, *number, 1e-6, 1e6);
  }
  if (const auto* flag = std::get_if<bool>(&parameter)) return reader.boolean(key, *flag);
  const auto& choices = std::get<Choices>(parameter);
  return boost::json::value(reader.choice(key, choices.front(), choices));
}

void require_multiple(TomlReader& reader, const boost::json::object& network, const char* key,
                      const char* of) {
  if (!network.contains(key) || !network.contains(of)) return;
  const std::int64_t unit = network.at(of).as_int64();
  if (network.at(key).as_int64() % unit == 0) return;
  reader.fail(key, "must be a multiple of " + std::string(of) + " (" + std::to_string(unit) + ")");
}

}  // namespace

boost::json::object read_network(TomlReader reader) {
  std::vector<std::string> names;
  for (const auto& [known, schema] : schemas()) names.push_back(known);
  const Schema& schema = schemas().at(reader.choice("name", "rdst", names));
  boost::json::object network{{"name", schema.architecture}};
  for (const auto& [key, parameter] : schema.parameters) {
    network[key] = read(reader, key, parameter);
  }
  // Every dense layer of RDST attends over width + k * growth channels.
  require_multiple(reader, network, "width", "heads");
  require_multiple(reader, network, "growth", "heads");
  require_multiple(reader, network, "width", "reduction");
  reader.finish();
  return network;
}

}  // namespace reprise::sweep
