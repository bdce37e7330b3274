#include "models/network.h"

#include "sweep/error.h"

namespace reprise::models {
namespace {

void collect(const torch::nn::Module& module, std::map<std::string, torch::Tensor>& out) {
  for (const auto& item : module.named_parameters()) out.emplace(item.key(), item.value());
  for (const auto& item : module.named_buffers()) out.emplace(item.key(), item.value());
}

}  // namespace

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
