/// Importing weights that other people trained, as they hand them out.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>

#include "models/safetensors.h"
#include "sweep/digest.h"
#include "tests/support/temp_dir.h"
#include "tests/worker/mpi_main.h"
#include "worker/nvml.h"
#include "worker/objective.h"
#include "worker/residency.h"
#include "worker/stage_runner.h"

namespace reprise::worker {
namespace {

/// The n-th key of an official state dict; the files hold n / 1000 under it.
std::vector<std::string> official_keys(const std::string& name) {
  std::ifstream in(std::string(REPRISE_KEYS_DIR) + "/" + name + ".txt");
  std::vector<std::string> keys;
  for (std::string line; std::getline(in, line);) {
    if (line[0] != '#') keys.push_back(line.substr(0, line.find(' ')));
  }
  return keys;
}

class ImportWeights : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<reprise::testing::TempDir>();
    std::filesystem::create_directories(*folder_ / "objects");
    const std::string command = std::string(REPRISE_PYTHON) + " " + REPRISE_WEIGHTS_SCRIPT +
                                " foreign " + folder_->path().string() + " " + REPRISE_KEYS_DIR;
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static StageEnd run(const std::string& role, const std::string& file, bool is_changed = false) {
    const auto collective = make_collective(test_mpi(), torch::kCPU);
    SliceCache data(torch::kCPU, {.device = 0, .host = std::size_t{1} << 20U});
    const Nvml nvml;
    const auto path = *folder_ / file;
    wire::Assign assign;
    assign.stage = std::string(64, 'a');
    assign.kind = "import-weights";
    assign.config = {{"role", role},
                     {"sha256", is_changed ? std::string(64, '0') : sha256_file(path)}};
    assign.options = {{"path", path.string()}};
    return run_stage(assign, {.workspace = folder_->path(),
                              .device = torch::kCPU,
                              .collective = *collective,
                              .data = data,
                              .nvml = nvml,
                              .hooks = {}});
  }
  static std::filesystem::path object_of(const StageEnd& end) {
    const auto* result = std::get_if<wire::Result>(&end.report);
    if (result == nullptr) {
      ADD_FAILURE() << std::get<wire::Failure>(end.report).message;
      return {};
    }
    return object_path(
        folder_->path(),
        std::string(result->body.at("artifacts").at("weights").at("sha256").as_string()));
  }
  static std::string refusal(const std::string& role, const std::string& file,
                             bool is_changed = false) {
    const StageEnd end = run(role, file, is_changed);
    const auto* failure = std::get_if<wire::Failure>(&end.report);
    return failure == nullptr ? "accepted" : failure->message;
  }

  static std::unique_ptr<reprise::testing::TempDir> folder_;
};

std::unique_ptr<reprise::testing::TempDir> ImportWeights::folder_;

void expect_numbered(const models::TensorFile& file, const std::string& list) {
  const auto keys = official_keys(list);
  std::size_t found = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto own = file.tensors.find(keys[i]);
    if (own == file.tensors.end() || !own->second.is_floating_point()) continue;
    ++found;
    EXPECT_TRUE(own->second.allclose(torch::full({}, static_cast<double>(i) / 1000))) << keys[i];
  }
  EXPECT_GT(found, 31U) << list;
}

TEST_F(ImportWeights, Vgg19FromTorchvisionsOldFile) {
  const auto file = models::read_safetensors(object_of(run("vgg19", "vgg19.pth")));
  EXPECT_EQ(file.tensors.size(), 32U);  // 16 convolutions; no classifier.
  expect_numbered(file, "vgg19");
}

TEST_F(ImportWeights, InceptionWithoutHeads) {
  const auto file = models::read_safetensors(object_of(run("inception", "inception.pth")));
  EXPECT_FALSE(file.tensors.contains("fc.weight"));
  expect_numbered(file, "inception_v3");
}

/// Into encoders of one, three and four channels, as segmentation_models_pytorch does it.
TEST_F(ImportWeights, ResNet34StartsTheUnetsEncoder) {
  const auto object = object_of(run("resnet34", "resnet34.pth"));
  expect_numbered(models::read_safetensors(object), "resnet34");
  const boost::json::object config = {{"unet", {{"width", 64}, {"encoder", "resnet34"}}}};
  for (const std::int64_t channels : {1, 3, 4}) {
    const auto unet = build_unet(
        config, {.weights = {{"encoder", object}}, .channels = channels, .classes = 4}, "");
    const auto state = models::state_of(*unet);
    const auto& first = state.tensors.at("encoder.conv1.weight");  // Its number is 0.
    EXPECT_EQ(first.size(1), channels);
    EXPECT_EQ(first.abs().max().item<double>(), 0);
    EXPECT_NEAR(state.tensors.at("encoder.bn1.weight")[0].item<double>(), 0.001, 1e-6);
    EXPECT_GT(state.tensors.at("decoder.blocks.0.conv1.0.weight").abs().max().item<double>(), 0);
  }
}

TEST_F(ImportWeights, WhatDoesNotFitIsListed) {
  const std::string unfit = refusal("vgg19", "unfit.pth");
  for (const char* part :
       {"unfit.pth: the weights do not fit the network:", "missing features.10.bias",
        "unexpected head.weight", "features.0.bias has shape [1], not [64]"}) {
    EXPECT_NE(unfit.find(part), std::string::npos) << unfit;
  }
  EXPECT_NE(refusal("vgg19", "more.pth").find("\"epoch\" is a number, not a tensor"),
            std::string::npos);
  EXPECT_NE(refusal("inception", "resnet34.pth").find("unexpected bn1.bias"), std::string::npos);
  EXPECT_NE(refusal("vgg19", "unfit.pth", true).find("changed since the study was planned"),
            std::string::npos);
  EXPECT_NE(refusal("alexnet", "unfit.pth").find("\"alexnet\": no such weights"),
            std::string::npos);
}

}  // namespace
}  // namespace reprise::worker
