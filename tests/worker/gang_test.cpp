/// Run by mpirun with one rank, which writes down what it computes, and then with two, which must
/// compute the same for the same global batch: losses and gradients do not depend on the gang.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>

#include "losses/loss.h"
#include "models/network.h"
#include "models/safetensors.h"
#include "tests/worker/mpi_main.h"
#include "worker/objective.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

constexpr int kClasses = 3;

/// The folder that both runs share.
fs::path record_folder() {
  const char* folder = std::getenv("GANG_RECORD");
  return folder == nullptr ? fs::temp_directory_path() : fs::path(folder);
}

TEST(Gang, SumOverRanksSumsForwardAndBackward) {
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  const auto sum = sum_over_ranks(*collective);
  const double mine = collective->rank() + 1;
  const auto x = torch::full({3}, mine, torch::requires_grad());
  const auto y = sum(x);
  const float expected = collective->size() == 1 ? 1 : 3;
  EXPECT_EQ(y[0].item<float>(), expected);
  (y * mine).sum().backward();
  EXPECT_EQ(x.grad()[0].item<float>(), expected);
}

struct Case {
  std::string name, kind, config;
  bool has_segmenter = false;
};

/// Weights that every rank and both runs agree on, in a file of this rank's own.
fs::path write_weights(torch::nn::Module& module, const std::string& role) {
  fs::path path = record_folder() / (role + std::to_string(test_mpi().rank()) + ".safetensors");
  models::write_safetensors(path, models::state_of(module));
  return path;
}

StageInputs inputs_of(const Case& which) {
  StageInputs inputs{.classes = kClasses};
  if (!which.has_segmenter) return inputs;
  torch::manual_seed(7);
  models::Unet unet({.channels = 1, .classes = kClasses, .width = 8});
  inputs.weights["segmenter"] = write_weights(unet, "segmenter");
  const auto config = boost::json::parse(which.config).as_object();
  const auto network = models::make_network(config.at("network").as_object(), 1, 4);
  inputs.weights["network"] = write_weights(*network, "network");
  return inputs;
}

/// Loss of the global batch ("loss", [1]) and its gradient ("gradient", [weights]) of one step.
models::TensorFile step_of(const Case& which) {
  const auto config = boost::json::parse(which.config).as_object();
  const auto inputs = inputs_of(which);
  torch::manual_seed(3);
  const SliceTensors slices{.images = torch::rand({6, 1, 128, 128}),
                            .labels = torch::randint(kClasses, {6, 128, 128}, torch::kUInt8)};
  const auto collective = make_collective(test_mpi(), torch::kCPU);
  torch::manual_seed(5);
  auto objective = make_objective(which.kind, config, inputs, *collective);
  FlatAdam adam(objective.network->parameters(), objective.adam);
  objective.network->train();
  const BatchMaker batches(slices, batch_recipe(which.kind, config), collective->rank(),
                           collective->size(), torch::kCPU);
  const auto share = objective.loss_share(batches.make(0));
  share.backward();
  adam.gradients()[0].copy_(share.detach());
  collective->all_reduce_sum(adam.gradients());
  models::TensorFile result;
  result.tensors["loss"] = adam.gradients().narrow(0, 0, 1).clone();
  result.tensors["gradient"] =
      adam.gradients().narrow(0, FlatAdam::kExtra, adam.weights().numel()).clone();
  return result;
}

class Step : public testing::TestWithParam<Case> {};

TEST_P(Step, IsTheSameForEveryGangSize) {
  const Case& which = GetParam();
  const fs::path record = record_folder() / ("step-" + which.name + ".safetensors");
  const auto mine = step_of(which);
  const auto& loss = mine.tensors.at("loss");
  const auto& gradient = mine.tensors.at("gradient");
  ASSERT_TRUE(gradient.isfinite().all().item<bool>());
  ASSERT_GT(loss.item<float>(), 0);
  ASSERT_GT(gradient.norm().item<float>(), 0);
  if (test_mpi().size() == 1) {
    models::write_safetensors(record, mine);
    return;
  }
  const auto alone = models::read_safetensors(record);
  EXPECT_NEAR(loss.item<float>() / alone.tensors.at("loss").item<float>(), 1, 1e-5);
  const auto& expected = alone.tensors.at("gradient");
  EXPECT_LT(((gradient - expected).norm() / expected.norm()).item<float>(), 1e-3);
}

// Three samples: two ranks get unequal shares.
constexpr const char* kNetwork =
    R"("network":{"name":"rdst","width":12,"growth":6,"heads":2,"blocks":1,"layers":1,
       "dense_layers":1},"scale":4,"noise":0.02,"train":{"steps":1,"batch":3,"patch":16},"seed":1)";

Case network_case(const std::string& name, const std::string& loss, bool has_segmenter) {
  return {.name = name,
          .kind = has_segmenter ? "finetune" : "pretrain",
          .config = std::string("{") + kNetwork + ",\"loss\":" + loss + "}",
          .has_segmenter = has_segmenter};
}

INSTANTIATE_TEST_SUITE_P(
    Losses, Step,
    testing::Values(
        network_case("l1", R"([{"name":"l1","weight":1}])", false),
        network_case("e1", R"([{"name":"l1","weight":1},{"name":"e1","weight":10}])", true),
        network_case("hrl", R"([{"name":"l1","weight":1},{"name":"hrl","weight":0.1}])", true),
        network_case("e1_train_mode",
                     R"([{"name":"e1","weight":1,"distance":"mse","unet_mode":"train"}])", true),
        Case{
            .name = "unet",
            .kind = "train-unet",
            .config = R"({"unet":{"width":8},"train":{"steps":1,"batch":3,"patch":64},"seed":1})"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace reprise::worker

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  reprise::worker::test_mpi();
  return RUN_ALL_TESTS();
}
