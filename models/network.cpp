#include "models/network.h"

#include <boost/json.hpp>

#include "models/rdst.h"
#include "sweep/error.h"

namespace reprise::models {
namespace {

std::int64_t natural(const boost::json::object& config, const char* key) {
  const boost::json::value* value = config.if_contains(key);
  if (value == nullptr || !value->is_number()) {
    throw_invalid(std::string("network.") + key + ": must be an integer");
  }
  return value->to_number<std::int64_t>();
}

void collect(const torch::nn::Module& module, std::map<std::string, torch::Tensor>& out) {
  for (const auto& item : module.named_parameters()) out.emplace(item.key(), item.value());
  for (const auto& item : module.named_buffers()) out.emplace(item.key(), item.value());
}

}  // namespace

std::shared_ptr<SrNetwork> make_network(const boost::json::object& config, std::int64_t channels,
                                        std::int64_t scale) {
  const boost::json::value* name = config.if_contains("name");
  if (name == nullptr || *name != "rdst") {
    throw_invalid("network.name = " + boost::json::serialize(name == nullptr ? nullptr : *name) +
                  ": no such network");
  }
  const auto blocks = static_cast<std::size_t>(natural(config, "blocks"));
  RdstOptions options;
  options.channels = channels;
  options.scale = scale;
  options.width = natural(config, "width");
  options.growth = natural(config, "growth");
  options.heads = natural(config, "heads");
  options.window = natural(config, "window");
  options.layers.assign(blocks, natural(config, "layers"));
  options.dense_layers.assign(blocks, natural(config, "dense_layers"));
  options.gff = config.contains("gff") && config.at("gff").as_bool();
  return std::make_shared<Rdst>(options);
}

TensorFile state_of(const torch::nn::Module& module) {
  TensorFile state;
  collect(module, state.tensors);
  for (auto& [key, value] : state.tensors) value = value.detach();
  return state;
}

void load_weights(torch::nn::Module& module, const TensorFile& state, const std::string& where) {
  std::map<std::string, torch::Tensor> own;
  collect(module, own);
  std::string problems;
  for (const auto& [key, value] : own) {
    const auto found = state.tensors.find(key);
    if (found == state.tensors.end()) {
      problems += " missing " + key + ";";
    } else if (found->second.sizes() != value.sizes()) {
      problems += " " + key + " has shape " + c10::str(found->second.sizes()) + ", not " +
                  c10::str(value.sizes()) + ";";
    }
  }
  for (const auto& [key, value] : state.tensors) {
    if (!own.contains(key)) problems += " unexpected " + key + ";";
  }
  if (!problems.empty()) throw_corrupt(where + ": the weights do not fit the network:" + problems);
  torch::NoGradGuard no_grad;
  for (auto& [key, value] : own) value.copy_(state.tensors.at(key));
}

}  // namespace reprise::models
