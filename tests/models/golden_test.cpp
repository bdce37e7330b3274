/// Parity of RDST, the U-Net and the losses with the official implementation.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "golden_support.h"
#include "losses/dice.h"
#include "losses/loss.h"
#include "models/rdst.h"

namespace reprise {
namespace {

namespace json = boost::json;
using models::TensorFile;

std::vector<std::int64_t> list(const json::value& value) {
  std::vector<std::int64_t> numbers;
  for (const json::value& item : value.as_array())
    numbers.push_back(item.to_number<std::int64_t>());
  return numbers;
}

models::RdstOptions options_of(const TensorFile& file) {
  const auto config = json::parse(file.metadata.at("config")).as_object();
  models::RdstOptions options;
  const auto number = [&](const char* key, std::int64_t fallback) {
    return config.contains(key) ? config.at(key).to_number<std::int64_t>() : fallback;
  };
  options.channels = std::stoll(file.metadata.at("in_channels"));
  options.width = number("rdst_embed_dim", 60);
  options.growth = number("rdst_growth_rate", 30);
  if (file.metadata.at("kind") == "rdst-e") {
    options.layers.assign(4, 2);
    options.dense_layers.assign(4, 3);
  }
  if (config.contains("rdst_num_heads")) options.heads = list(config.at("rdst_num_heads"))[0];
  if (config.contains("rdst_window_size")) options.window = list(config.at("rdst_window_size"))[0];
  if (config.contains("rdst_dense_layer_depths")) {
    options.layers = list(config.at("rdst_dense_layer_depths"));
  }
  if (config.contains("rdst_rdb_depths")) options.dense_layers = list(config.at("rdst_rdb_depths"));
  options.gff =
      file.metadata.at("kind") == "rdst-gff" || file.metadata.at("name") == "full_rdst_gff";
  return options;
}

class RdstGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(RdstGolden, OutputsAndGradientsMatch) {
  const TensorFile file = golden::load(GetParam());
  models::Rdst network(options_of(file));
  network.eval();
  golden::fill(network, file);
  golden::check_network(network, file);
}

INSTANTIATE_TEST_SUITE_P(All, RdstGolden,
                         ::testing::Values("rdst_a", "rdst_w4", "rdst_4ch", "rdst_gff_a",
                                           "rdst_e_full", "full_rdst", "full_rdst_e",
                                           "full_rdst_gff"));

std::shared_ptr<models::Unet> golden_unet() {
  auto unet = std::make_shared<models::Unet>(models::UnetOptions{});
  golden::fill(*unet, golden::load("unet"));
  return unet;
}

TEST(UnetGolden, FeaturesMatchInBothModes) {
  const TensorFile file = golden::load("unet");
  for (const std::string mode : {"eval", "train"}) {
    const auto unet = golden_unet();
    unet->train(mode == "train");
    const models::UnetOutput out = unet->forward(file.tensors.at("in.x"));
    const auto compare = [&](const std::string& key, const torch::Tensor& got) {
      const auto want = file.tensors.find(c10::str("out.", mode, ".", key));
      if (want == file.tensors.end()) return;
      const double scale = std::max(1.0, want->second.abs().max().item<double>());
      EXPECT_LE((got - want->second).abs().max().item<double>(), 2e-4 * scale) << mode << key;
    };
    for (std::size_t i = 0; i < 5; ++i) compare(c10::str("E", i + 1), out.encoder[i]);
    compare("D", out.decoder);
    compare("logits", out.logits);
    compare("dice_loss",
            losses::dice_loss(out.logits, file.tensors.at("in.label"), {}, {}).to(torch::kFloat64));
  }
}

TEST(LossGolden, SegmentationLossesMatchInEvaluationMode) {
  const TensorFile file = golden::load("percep");
  const auto unet = golden_unet();
  const std::vector<std::pair<std::string, std::string>> cases = {{"e1", "E1_l1"},
                                                                  {"e2", "E2_l1"},
                                                                  {"e3", "E3_l1"},
                                                                  {"e4", "E4_l1"},
                                                                  {"e5", "E5_l1"},
                                                                  {"d", "D_l1"},
                                                                  {"sum_e", "sumE_paper_l1"},
                                                                  {"hrl", "HRL_fg"}};
  const torch::Tensor hr = file.tensors.at("in.hr");
  const losses::LossContext context{.global_batch = hr.size(0), .ranks = 1, .sum = {}};
  for (const auto& [name, key] : cases) {
    const auto loss = losses::make_loss({{{"name", name}, {"weight", 1.0}}},
                                        {.segmenter = unet, .vgg = {}, .critic = {}});
    const torch::Tensor sr = file.tensors.at("in.sr").clone().requires_grad_(true);
    const torch::Tensor value = loss->share(sr, hr, context);
    const double want = file.tensors.at("out.loss." + key + ".eval").item<double>();
    EXPECT_NEAR(value.item<double>(), want, 1e-4 * std::max(1e-2, want)) << name;
    const auto gradient = file.tensors.find("out.grad_sr." + key + ".eval");
    if (gradient == file.tensors.end()) continue;
    value.backward();
    const double scale = gradient->second.abs().max().item<double>();
    EXPECT_LE((sr.grad() - gradient->second).abs().max().item<double>(), 1e-3 * scale) << name;
  }
}

TEST(DiceGolden, ValueAndGradientMatch) {
  const TensorFile file = golden::load("dice_loss");
  const std::vector<std::int64_t> foreground = {1, 2, 3};
  for (const std::string name : {"a", "b", "absent"}) {
    for (const std::string classes : {"all", "fg"}) {
      const torch::Tensor logits =
          file.tensors.at("in.logits." + name).clone().requires_grad_(true);
      const torch::Tensor loss =
          losses::dice_loss(logits, file.tensors.at("in.target." + name),
                            classes == "fg" ? foreground : std::vector<std::int64_t>{}, {});
      const std::string suffix = name + "." + classes;
      EXPECT_NEAR(loss.item<double>(), file.tensors.at("out.loss." + suffix).item<double>(), 2e-6);
      loss.backward();
      EXPECT_TRUE(torch::allclose(logits.grad(), file.tensors.at("out.grad." + suffix), 1e-3, 1e-8))
          << suffix;
    }
  }
}

}  // namespace
}  // namespace reprise
