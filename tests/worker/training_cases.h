#pragma once
/// Small trainings, one for every kind of loss, with the same fresh weights every time.

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "losses/loss.h"
#include "models/network.h"
#include "models/safetensors.h"
#include "models/vgg.h"
#include "tests/worker/mpi_main.h"
#include "worker/objective.h"

namespace reprise::worker {

namespace fs = std::filesystem;

constexpr int kClasses = 3;

/// The folder that runs of different gang sizes share.
inline fs::path record_folder() {
  const char* folder = std::getenv("GANG_RECORD");
  return folder == nullptr ? fs::temp_directory_path() : fs::path(folder);
}

struct Case {
  std::string name, kind, config;
  std::vector<std::string> roles = {};  ///< Inputs: "network", "segmenter", "vgg19".
};

/// Weights that every rank and both runs agree on, in a file of this rank's own.
inline fs::path write_weights(torch::nn::Module& module, const std::string& role) {
  fs::path path = record_folder() / (role + std::to_string(test_mpi().rank()) + ".safetensors");
  models::write_safetensors(path, models::state_of(module));
  return path;
}

inline StageInputs inputs_of(const Case& which, const torch::Device& device) {
  StageInputs inputs{.classes = kClasses, .device = device};
  const auto config = boost::json::parse(which.config).as_object();
  torch::manual_seed(7);
  for (const auto& role : which.roles) {
    std::shared_ptr<torch::nn::Module> module;
    if (role == "segmenter") {
      module = std::make_shared<models::Unet>(
          models::UnetOptions{.channels = 1, .classes = kClasses, .width = 8});
    } else if (role == "vgg19") {
      module = std::make_shared<models::Vgg19>(models::VggLayer::Conv54);
    } else {
      module = models::make_network(config.at("network").as_object(), 1, 4);
    }
    inputs.weights[role] = write_weights(*module, role);
  }
  return inputs;
}

inline SliceTensors toy_slices() {
  torch::manual_seed(3);
  return {.images = torch::rand({6, 1, 128, 128}),
          .labels = torch::randint(kClasses, {6, 128, 128}, torch::kUInt8)};
}

/// A stage's objective and batches, with the same fresh weights every time.
struct Setup {
  Objective objective;
  BatchMaker batches;
};
inline Setup make_setup(const Case& which, Collective& collective,
                        const torch::Device& device = torch::kCPU) {
  const auto config = boost::json::parse(which.config).as_object();
  const auto inputs = inputs_of(which, device);
  auto slices = toy_slices();
  torch::manual_seed(5);
  auto objective = make_objective(which.kind, config, inputs, collective);
  return {.objective = std::move(objective),
          .batches = BatchMaker(std::move(slices), batch_recipe(which.kind, config),
                                collective.rank(), collective.size(), device)};
}

// Three samples: two ranks get unequal shares.
inline constexpr const char* kDropPath =
    R"({"network":{"name":"swinir","width":12,"heads":2,"blocks":1,"layers":4,"shift":true,
        "drop_path":0.5},"scale":4,"noise":0,"train":{"steps":1,"batch":3,"patch":16},"seed":1,
        "loss":[{"name":"l1","weight":1}]})";
inline constexpr const char* kNetwork =
    R"("network":{"name":"rdst","width":12,"growth":6,"heads":2,"blocks":1,"layers":1,
       "dense_layers":1},"scale":4,"noise":0.02,"train":{"steps":1,"batch":3,"patch":16},"seed":1)";

inline Case network_case(const std::string& name, const std::string& loss,
                         const std::vector<std::string>& roles) {
  return {.name = name,
          .kind = roles.empty() ? "pretrain" : "finetune",
          .config = std::string("{") + kNetwork + ",\"loss\":" + loss + "}",
          .roles = roles};
}

inline std::vector<Case> training_cases() {
  return {
      network_case("l1", R"([{"name":"l1","weight":1}])", {}),
      network_case("e1", R"([{"name":"l1","weight":1},{"name":"e1","weight":10}])",
                   {"network", "segmenter"}),
      network_case("hrl", R"([{"name":"l1","weight":1},{"name":"hrl","weight":0.1}])",
                   {"network", "segmenter"}),
      network_case("d_sum_e", R"([{"name":"d","weight":1},{"name":"sum_e","weight":1}])",
                   {"network", "segmenter"}),
      // The running statistics of the one term are what the other sees.
      network_case("train_mode", R"([{"name":"e1","weight":1,"distance":"mse",
                                        "unet_mode":"train"},{"name":"hrl","weight":0.1}])",
                   {"network", "segmenter"}),
      network_case("wgan_vgg", R"([{"name":"l1","weight":1},{"name":"vgg","weight":0.1},
                                     {"name":"wgan-gp","weight":0.1,"penalty":10,
                                      "learning_rate":1e-4,"critic_steps":1}])",
                   {"network", "vgg19"}),
      Case{.name = "drop_path", .kind = "pretrain", .config = kDropPath},
      Case{.name = "unet",
           .kind = "train-unet",
           .config = R"({"unet":{"width":8},"train":{"steps":1,"batch":3,"patch":64},"seed":1})"}};
}

}  // namespace reprise::worker
