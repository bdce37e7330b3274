/// Networks by name: from a configuration of sweep/network_schema.h to a module.

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
#include "sweep/network_schema.h"

namespace reprise::models {
namespace {

using boost::json::object;

std::int64_t natural(const object& network, std::string_view key) {
  return network.at(key).as_int64();
}

/// Options with the fields that every network has.
template <typename Options>
Options start(const object& network, std::int64_t channels, std::int64_t scale) {
  Options options;
  options.channels = channels;
  options.scale = scale;
  options.width = natural(network, "width");
  return options;
}

std::shared_ptr<SrNetwork> make_rdst(const object& network, std::int64_t channels,
                                     std::int64_t scale) {
  auto options = start<RdstOptions>(network, channels, scale);
  options.growth = natural(network, "growth");
  options.heads = natural(network, "heads");
  options.window = natural(network, "window");
  options.layers = sweep::per_block(network, "layers");
  options.dense_layers = sweep::per_block(network, "dense_layers");
  options.gff = network.at("gff").as_bool();
  options.drop_path = network.at("drop_path").to_number<double>();
  return std::make_shared<Rdst>(options);
}

std::shared_ptr<SrNetwork> make_swinir(const object& network, std::int64_t channels,
                                       std::int64_t scale) {
  auto options = start<SwinirOptions>(network, channels, scale);
  options.window = natural(network, "window");
  options.heads = natural(network, "heads");
  options.layers = sweep::per_block(network, "layers");
  options.shift = network.at("shift").as_bool();
  options.drop_path = network.at("drop_path").to_number<double>();
  options.step_upsampler = network.at("upsampler").as_string() == "steps";
  return std::make_shared<Swinir>(options);
}

std::shared_ptr<SrNetwork> make_edsr(const object& network, std::int64_t channels,
                                     std::int64_t scale) {
  auto options = start<EdsrOptions>(network, channels, scale);
  options.blocks = natural(network, "blocks");
  options.residual_scale = network.at("residual_scale").to_number<double>();
  options.leaky = network.at("activation").as_string() == "leaky";
  return std::make_shared<Edsr>(options);
}

std::shared_ptr<SrNetwork> make_rdn(const object& network, std::int64_t channels,
                                    std::int64_t scale) {
  auto options = start<RdnOptions>(network, channels, scale);
  options.growth = natural(network, "growth");
  options.layers = natural(network, "layers");
  options.blocks = natural(network, "blocks");
  return std::make_shared<Rdn>(options);
}

std::shared_ptr<SrNetwork> make_convnet(const object& network, std::int64_t channels,
                                        std::int64_t scale) {
  auto options = start<ConvnetOptions>(network, channels, scale);
  options.blocks = natural(network, "blocks");
  return std::make_shared<Convnet>(options);
}

/// RCAN and HAN.
template <typename Network, typename Options>
std::shared_ptr<SrNetwork> make_grouped(const object& network, std::int64_t channels,
                                        std::int64_t scale) {
  auto options = start<Options>(network, channels, scale);
  options.groups = natural(network, "groups");
  options.blocks = natural(network, "blocks");
  options.reduction = natural(network, "reduction");
  return std::make_shared<Network>(options);
}

}  // namespace

std::shared_ptr<SrNetwork> make_network(const object& config, std::int64_t channels,
                                        std::int64_t scale) {
  if (channels < 1 || channels > 64 || scale < 2 || scale > 4) {
    throw_invalid("network: " + std::to_string(channels) + " channels at scale " +
                  std::to_string(scale) + ": needs 1 to 64 channels, and scale 2, 3 or 4");
  }
  const object network = sweep::resolve_network(config);
  const std::string_view name = network.at("name").as_string();
  if (name == "rdst") return make_rdst(network, channels, scale);
  if (name == "swinir") return make_swinir(network, channels, scale);
  if (name == "edsr") return make_edsr(network, channels, scale);
  if (name == "rdn") return make_rdn(network, channels, scale);
  if (name == "rcan") return make_grouped<Rcan, RcanOptions>(network, channels, scale);
  if (name == "han") return make_grouped<Han, HanOptions>(network, channels, scale);
  if (name == "convnet") return make_convnet(network, channels, scale);
  throw_invalid("network.name = \"" + std::string(name) + "\": not built here");
}

}  // namespace reprise::models
