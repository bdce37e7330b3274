#include "models/network.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "sweep/error.h"

namespace reprise::models {
namespace {

void collect(const torch::nn::Module& module, std::map<std::string, torch::Tensor>& out) {
  for (const auto& item : module.named_parameters()) out.emplace(item.key(), item.value());
  for (const auto& item : module.named_buffers()) out.emplace(item.key(), item.value());
}

/// Masks depend on the size of the training images only; files of other sizes are as good.
constexpr std::string_view kMask = ".attn_mask";

/// Buffers that the window size fixes, or that old files do not have.
bool is_derived(const std::string& key) {
  return key.ends_with(".relative_position_index") || key.ends_with(".num_batches_tracked");
}

/// " missing a, b, c and 7 more;"
std::string listed(const char* what, const std::vector<std::string>& keys) {
  constexpr std::size_t kShown = 8;
  if (keys.empty()) return "";
  std::string text = std::string(" ") + what;
  for (std::size_t i = 0; i < std::min(keys.size(), kShown); ++i) {
    text += (i == 0 ? "" : ", ") + keys[i];
  }
  if (keys.size() > kShown) text += " and " + std::to_string(keys.size() - kShown) + " more";
  return text + ";";
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
  std::vector<std::string> missing, unexpected, misshapen;
  std::vector<std::string> fitting;
  for (const auto& [key, value] : own) {
    const auto found = state.tensors.find(key);
    if (found == state.tensors.end()) {
      if (!is_derived(key)) missing.push_back(key);
    } else if (found->second.sizes() == value.sizes()) {
      fitting.push_back(key);
    } else if (!key.ends_with(kMask)) {
      misshapen.push_back(key + " has shape " + c10::str(found->second.sizes()) + ", not " +
                          c10::str(value.sizes()));
    }
  }
  for (const auto& [key, value] : state.tensors) {
    if (!own.contains(key) && !is_derived(key)) unexpected.push_back(key);
  }
  const std::string problems =
      listed("missing ", missing) + listed("unexpected ", unexpected) + listed("", misshapen);
  if (!problems.empty()) throw_corrupt(where + ": the weights do not fit the network:" + problems);
  const torch::NoGradGuard no_grad;
  for (const std::string& key : fitting) own.at(key).copy_(state.tensors.at(key));
}

}  // namespace reprise::models
