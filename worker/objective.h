#pragma once
/// What each kind of training stage optimises.

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "models/network.h"
#include "models/torch.h"
#include "models/unet.h"
#include "worker/batches.h"
#include "worker/collective.h"
#include "worker/train.h"

namespace reprise::worker {

/// What a stage works with, apart from its config.
struct StageInputs {
  std::map<std::string, std::filesystem::path> weights = {};  ///< Role to safetensors file.
  std::int64_t channels = 1;                                  ///< Of the data set's images.
  std::int64_t classes = 2;  ///< Of its labels, background included.
  torch::Device device = torch::kCPU;
};

/// Errors of all functions: InvalidInput for a bad config or a missing input, Corrupt for weights
/// that do not fit the network.

/// The network of `config.network` at `config.scale`, with the input's weights if there are any.
std::shared_ptr<models::SrNetwork> build_network(const boost::json::object& config,
                                                 const StageInputs& inputs);

/// Gives a module the weights of input `role`. Strict.
void load_input(torch::nn::Module& module, const StageInputs& inputs, const std::string& role);

/// The U-Net of `config.unet`. An empty role: fresh weights, those of ResNet-34 in the encoder
/// where the config says so. Else the weights of input `role`, whose shapes say how many channels
/// and classes it has: a loss may use the U-Net of another data set.
std::shared_ptr<models::Unet> build_unet(const boost::json::object& config,
                                         const StageInputs& inputs, const std::string& role);

/// Network, loss share and optimiser of train-unet, pretrain or finetune. `collective` must
/// outlive it; its seed must have been set (torch::manual_seed) for fresh weights.
Objective make_objective(const std::string& kind, const boost::json::object& config,
                         const StageInputs& inputs, Collective& collective);

/// How its batches are cut.
BatchRecipe batch_recipe(const std::string& kind, const boost::json::object& config);

}  // namespace reprise::worker
