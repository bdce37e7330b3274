#include "worker/objective.h"

#include <utility>

#include "losses/dice.h"
#include "losses/loss.h"
#include "losses/wgan.h"
#include "models/drop_path.h"
#include "models/safetensors.h"
#include "worker/config.h"
#include "worker/initialise.h"
#include "worker/sampling.h"

namespace reprise::worker {
namespace {

namespace json = boost::json;

/// The sum that networks and losses see: none for one rank.
models::SumOverRanks sum_of(Collective& collective) {
  return collective.size() > 1 ? sum_over_ranks(collective) : models::SumOverRanks();
}

const std::filesystem::path& file_of(const StageInputs& inputs, const std::string& role) {
  const auto found = inputs.weights.find(role);
  if (found == inputs.weights.end()) {
    throw_invalid("stage inputs: the weights of \"" + role + "\" are missing");
  }
  return found->second;
}

double beta2_of(const json::object& config, double standard) {
  const auto& train = config::table(config, "train");
  return train.contains("beta2") ? config::number(train, "beta2") : standard;
}

/// Samples of a part of the global batch.
std::int64_t part_of_batch(const json::object& config) {
  const auto& train = config::table(config, "train");
  const auto parts = train.contains("accumulate") ? config::integer(train, "accumulate", 1) : 1;
  return config::integer(train, "batch", 1) / parts;
}

Objective unet_objective(const json::object& config, const StageInputs& inputs,
                         Collective& collective) {
  auto unet = build_unet(config, inputs, "");
  unet->set_sum_over_ranks(sum_of(collective));
  Objective objective;
  objective.network = unet;
  objective.output = [unet](const Batch& batch) { return unet->forward(batch.hr).logits; };
  // Every rank computes the loss of the whole batch: its share is one part of `size`.
  objective.loss_share = [sum = sum_of(collective), parts = collective.size()](
                             const torch::Tensor& logits, const Batch& batch) {
    return losses::dice_loss(logits, batch.labels, {}, sum) / parts;
  };
  objective.adam.beta2 = beta2_of(config, 0.999);
  objective.is_static = collective.size() == 1;
  return objective;
}

/// VGG-19 up to a layer, with the first weights of the input.
std::shared_ptr<models::Vgg19> build_vgg(const StageInputs& inputs, models::VggLayer layer) {
  auto vgg = std::make_shared<models::Vgg19>(layer);
  const auto& path = file_of(inputs, "vgg19");
  models::TensorFile file = models::read_safetensors(path);
  const auto wanted = models::state_of(*vgg);
  std::erase_if(file.tensors,
                [&](const auto& entry) { return !wanted.tensors.contains(entry.first); });
  models::load_weights(*vgg, file, path.string());
  vgg->to(inputs.device);
  return vgg;
}

/// Uniform numbers in [0, 1), one a sample: functions of seed, step, round and global index.
torch::Tensor mixing_factors(std::uint64_t seed, const Batch& batch, std::int64_t round,
                             std::int64_t batch_size) {
  std::vector<float> factors;
  for (std::int64_t at = 0; at < batch.hr.size(0); ++at) {
    const auto index = round * batch_size + batch.first + at;
    const auto bits = draw(seed, batch.step, index, Purpose::Mix);
    factors.push_back(static_cast<float>(static_cast<double>(bits >> 40U) * 0x1p-24));
  }
  return torch::tensor(factors).to(batch.hr.device());
}

/// Numbers for drop path: functions of seed, step, branch and global index.
models::DropDraws drop_draws(std::uint64_t seed, const Batch& batch, std::int64_t batch_size) {
  return [seed, step = batch.step, first = batch.first, batch_size](std::int64_t sample,
                                                                    std::int64_t branch) {
    const auto bits = draw(seed, step, branch * batch_size + first + sample, Purpose::DropPath);
    return static_cast<double>(bits >> 11U) * 0x1p-53;
  };
}

/// The critic of a loss that has a "wgan-gp" term.
std::optional<Critic> make_critic(const json::object& config, const StageInputs& inputs,
                                  const losses::LossContext& context,
                                  std::shared_ptr<models::Critic>& network) {
  for (const auto& value : config::list(config, "loss")) {
    const auto& term = value.as_object();
    if (config::text(term, "name") != "wgan-gp") continue;
    const auto& train = config::table(config, "train");
    network = std::make_shared<models::Critic>(models::CriticOptions{
        .channels = inputs.channels,
        .side = config::integer(train, "patch", 1) * config::integer(config, "scale", 1)});
    network->to(inputs.device);
    Critic critic;
    critic.network = network;
    critic.loss_share = [network, context, penalty = config::number(term, "penalty"),
                         seed = static_cast<std::uint64_t>(config::integer(config, "seed", 0)),
                         whole = config::integer(train, "batch", 1)](
                            const torch::Tensor& output, const Batch& batch, std::int64_t round) {
      return losses::critic_loss_share(*network, output, batch.hr,
                                       mixing_factors(seed, batch, round, whole), penalty, context);
    };
    critic.adam = {.beta1 = 0, .beta2 = 0.9, .eps = 1e-8};
    critic.learning_rate = config::number(term, "learning_rate");
    critic.steps = config::integer(term, "critic_steps", 1);
    return critic;
  }
  return std::nullopt;
}

Objective network_objective(const json::object& config, const StageInputs& inputs,
                            Collective& collective) {
  auto network = build_network(config, inputs);
  const bool is_fresh = !inputs.weights.contains("network");
  if (is_fresh && config.contains("init") && config::text(config, "init") == "kaiming") {
    initialise_linear_layers(*network);
  }
  const auto drops = std::dynamic_pointer_cast<models::HasDropPath>(network);
  Objective objective;
  objective.network = network;
  losses::LossNetworks networks;
  if (inputs.weights.contains("segmenter")) {
    networks.segmenter = build_unet(config, inputs, "segmenter");
    objective.companions.push_back(networks.segmenter);
  }
  if (inputs.weights.contains("vgg19")) {
    networks.vgg = [&inputs](models::VggLayer layer) { return build_vgg(inputs, layer); };
  }
  const losses::LossContext context{
      .global_batch = part_of_batch(config), .ranks = collective.size(), .sum = sum_of(collective)};
  objective.critic = make_critic(config, inputs, context, networks.critic);
  std::shared_ptr<losses::Loss> loss = losses::make_loss(config::list(config, "loss"), networks);
  objective.output =
      [network, drops, seed = static_cast<std::uint64_t>(config::integer(config, "seed", 0)),
       whole = config::integer(config::table(config, "train"), "batch", 1)](const Batch& batch) {
        if (drops) drops->set_drop_draws(drop_draws(seed, batch, whole));
        return network->forward(batch.lr);
      };
  objective.loss_share = [loss, context](const torch::Tensor& output, const Batch& batch) {
    return loss->share(output, batch.hr, context);
  };
  objective.adam.beta2 = beta2_of(config, 0.99);
  const bool draws_on_host = drops && drops->drop_rate() > 0;
  // Terms with a U-Net may sum over the ranks.
  objective.is_static = !draws_on_host && (collective.size() == 1 || !networks.segmenter);
  return objective;
}

/// Sizes that a U-Net's weights show, and `standard` where they do not.
models::UnetOptions shown_options(const std::filesystem::path& path, models::UnetOptions standard) {
  const auto file = models::read_safetensors(path);
  const auto first = file.tensors.find("encoder.conv1.weight");
  const auto last = file.tensors.find("segmentation_head.0.weight");
  if (first != file.tensors.end() && first->second.dim() == 4) {
    standard.width = first->second.size(0);
    standard.channels = first->second.size(1);
  }
  if (last != file.tensors.end() && last->second.dim() == 4) {
    standard.classes = last->second.size(0);
  }
  return standard;
}

/// ImageNet's ResNet-34 into the encoder. Its first convolution is summed over RGB for one channel;
/// for more, its filters are dealt out in turn and scaled by 3 / channels (segmentation_models).
void load_encoder(models::Unet& unet, const StageInputs& inputs) {
  const auto& path = file_of(inputs, "encoder");
  const auto file = models::read_safetensors(path);
  models::TensorFile state = models::state_of(unet);
  const auto channels = unet.options().channels;
  for (const auto& [key, value] : file.tensors) {
    torch::Tensor tensor = value;
    if (key == "conv1.weight" && channels == 1) tensor = tensor.sum(1, /*keepdim=*/true);
    if (key == "conv1.weight" && channels > 1 && channels != 3) {
      const auto turns = torch::arange(channels).remainder(3);
      tensor = tensor.index_select(1, turns) * (3.0 / static_cast<double>(channels));
    }
    state.tensors["encoder." + key] = tensor.contiguous();
  }
  models::load_weights(unet, state, path.string());
}

}  // namespace

void load_input(torch::nn::Module& module, const StageInputs& inputs, const std::string& role) {
  const auto& path = file_of(inputs, role);
  models::load_weights(module, models::read_safetensors(path), path.string());
}

std::shared_ptr<models::SrNetwork> build_network(const json::object& config,
                                                 const StageInputs& inputs) {
  auto network = models::make_network(config::table(config, "network"), inputs.channels,
                                      config::integer(config, "scale", 1));
  if (inputs.weights.contains("network")) load_input(*network, inputs, "network");
  network->to(inputs.device);
  return network;
}

std::shared_ptr<models::Unet> build_unet(const json::object& config, const StageInputs& inputs,
                                         const std::string& role) {
  models::UnetOptions options{.channels = inputs.channels, .classes = inputs.classes};
  if (config.contains("unet")) {
    options.width = config::integer(config::table(config, "unet"), "width", 1);
  }
  if (!role.empty()) options = shown_options(file_of(inputs, role), options);
  auto unet = std::make_shared<models::Unet>(options);
  if (!role.empty()) {
    load_input(*unet, inputs, role);
  } else if (inputs.weights.contains("encoder")) {
    load_encoder(*unet, inputs);
  }
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
  if (train.contains("accumulate")) recipe.parts = config::integer(train, "accumulate", 1);
  recipe.hr_patch = config::integer(train, "patch", 1);
  recipe.seed = static_cast<std::uint64_t>(config::integer(config, "seed", 0));
  recipe.flips = config::flag(train, "flips");
  recipe.rotations = config::flag(train, "rotations");
  if (kind == "train-unet") return recipe;
  recipe.scale = config::integer(config, "scale", 1);
  recipe.hr_patch *= recipe.scale;
  if (config.contains("noise")) recipe.noise = config::number(config, "noise");
  return recipe;
}

}  // namespace reprise::worker
