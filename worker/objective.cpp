#include "worker/objective.h"

#include <utility>

#include "losses/dice.h"
#include "losses/loss.h"
#include "models/safetensors.h"
#include "worker/config.h"

namespace reprise::worker {
namespace {

void load_input(torch::nn::Module& module, const StageInputs& inputs, const std::string& role) {
  const auto found = inputs.weights.find(role);
  if (found == inputs.weights.end()) {
    throw_invalid("stage inputs: the weights of \"" + role + "\" are missing");
  }
  models::load_weights(module, models::read_safetensors(found->second), found->second.string());
}

/// The sum that networks and losses see: none for one rank.
models::SumOverRanks sum_of(Collective& collective) {
  return collective.size() > 1 ? sum_over_ranks(collective) : models::SumOverRanks();
}

Objective unet_objective(const boost::json::object& config, const StageInputs& inputs,
                         Collective& collective) {
  auto unet = build_unet(config, inputs, "");
  unet->set_sum_over_ranks(sum_of(collective));
  // Every rank computes the loss of the whole batch: its share is one part of `size`.
  const auto loss_share = [unet, sum = sum_of(collective),
                           parts = collective.size()](const Batch& batch) {
    const auto logits = unet->forward(batch.hr).logits;
    return losses::dice_loss(logits, batch.labels, {}, sum) / parts;
  };
  return {.network = unet, .loss_share = loss_share, .adam = {.beta2 = 0.999}};
}

Objective network_objective(const boost::json::object& config, const StageInputs& inputs,
                            Collective& collective) {
  auto network = build_network(config, inputs);
  std::shared_ptr<models::Unet> segmenter;
  if (inputs.weights.contains("segmenter")) {
    segmenter = build_unet(config, inputs, "segmenter");
    segmenter->eval();
    for (auto& parameter : segmenter->parameters()) parameter.set_requires_grad(false);
  }
  std::shared_ptr<losses::Loss> loss = losses::make_loss(config::list(config, "loss"), segmenter);
  const losses::LossContext context{
      .global_batch = config::integer(config::table(config, "train"), "batch", 1),
      .ranks = collective.size(),
      .sum = sum_of(collective)};
  const auto loss_share = [network, loss, context](const Batch& batch) {
    return loss->share(network->forward(batch.lr), batch.hr, context);
  };
  return {.network = network, .loss_share = loss_share, .adam = {.beta2 = 0.99}};
}

}  // namespace

std::shared_ptr<models::SrNetwork> build_network(const boost::json::object& config,
                                                 const StageInputs& inputs) {
  auto network = models::make_network(config::table(config, "network"), inputs.channels,
                                      config::integer(config, "scale", 1));
  if (inputs.weights.contains("network")) load_input(*network, inputs, "network");
  network->to(inputs.device);
  return network;
}

std::shared_ptr<models::Unet> build_unet(const boost::json::object& config,
                                         const StageInputs& inputs, const std::string& role) {
  std::int64_t width = 64;
  if (config.contains("unet")) width = config::integer(config::table(config, "unet"), "width", 1);
  if (!role.empty() && !config.contains("unet")) {
    // A finetune's config does not repeat the segmenter's width: its first convolution tells.
    const auto file = models::read_safetensors(inputs.weights.at(role));
    const auto found = file.tensors.find("encoder.conv1.weight");
    if (found != file.tensors.end()) width = found->second.size(0);
  }
  auto unet = std::make_shared<models::Unet>(
      models::UnetOptions{.channels = inputs.channels, .classes = inputs.classes, .width = width});
  if (!role.empty()) load_input(*unet, inputs, role);
  unet->to(inputs.device);
  return unet;
}

Objective make_objective(const std::string& kind, const boost::json::object& config,
                         const StageInputs& inputs, Collective& collective) {
  if (kind == "train-unet") return unet_objective(config, inputs, collective);
  if (kind != "pretrain" && kind != "finetune")
    throw_invalid("unknown stage kind \"" + kind + "\"");
  if (kind == "finetune" && !inputs.weights.contains("network")) {
    throw_invalid("stage inputs: the weights of \"network\" are missing");
  }
  return network_objective(config, inputs, collective);
}

BatchRecipe batch_recipe(const std::string& kind, const boost::json::object& config) {
  const auto& train = config::table(config, "train");
  BatchRecipe recipe;
  recipe.batch = config::integer(train, "batch", 1);
  recipe.hr_patch = config::integer(train, "patch", 1);
  recipe.seed = static_cast<std::uint64_t>(config::integer(config, "seed", 0));
  if (kind == "train-unet") return recipe;
  recipe.scale = config::integer(config, "scale", 1);
  recipe.hr_patch *= recipe.scale;
  if (config.contains("noise")) recipe.noise = config::number(config, "noise");
  return recipe;
}

}  // namespace reprise::worker
