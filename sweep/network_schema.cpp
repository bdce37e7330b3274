/// The networks a study may name, with their parameters, ranges and the paper's defaults (section
/// 4.3; RDST-E is RDST with 4 blocks). models/ computes them; a new network adds a row here.

#include <boost/json.hpp>

#include "sweep/study_sections.h"

namespace reprise::sweep {
namespace {

boost::json::object read_rdst(TomlReader& reader, std::int64_t blocks_default) {
  const std::int64_t width = reader.integer("width", 60, 1, 4096);
  const std::int64_t growth = reader.integer("growth", 30, 1, 4096);
  const std::int64_t heads = reader.integer("heads", 6, 1, 256);
  const std::int64_t window = reader.integer("window", 8, 2, 64);
  const std::int64_t layers = reader.integer("layers", 2, 1, 64);
  const std::int64_t dense_layers = reader.integer("dense_layers", 3, 1, 64);
  const std::int64_t blocks = reader.integer("blocks", blocks_default, 1, 256);
  const bool gff = reader.boolean("gff", false);
  // Every dense layer attends over width + k * growth channels.
  if (width % heads != 0) {
    reader.fail("width", "must be a multiple of heads (" + std::to_string(heads) + ")");
  }
  if (growth % heads != 0) {
    reader.fail("growth", "must be a multiple of heads (" + std::to_string(heads) + ")");
  }
  return {{"name", "rdst"},   {"width", width},   {"growth", growth},
          {"heads", heads},   {"window", window}, {"layers", layers},
          {"blocks", blocks}, {"gff", gff},       {"dense_layers", dense_layers}};
}

}  // namespace

boost::json::object read_network(TomlReader reader) {
  const std::string name = reader.choice("name", "rdst", {"rdst", "rdst-e"});
  boost::json::object network = read_rdst(reader, name == "rdst-e" ? 4 : 8);
  reader.finish();
  return network;
}

}  // namespace reprise::sweep
