/// Networks by name: built as they are counted, at every scale, with the official keys.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>

#include "models/critic.h"
#include "models/inception.h"
#include "models/network.h"
#include "models/unet.h"
#include "models/vgg.h"
#include "sweep/error.h"
#include "sweep/network_profile.h"
#include "sweep/network_schema.h"

namespace reprise::models {
namespace {

std::int64_t count(const torch::nn::Module& module) {
  std::int64_t total = 0;
  for (const auto& parameter : module.parameters()) total += parameter.numel();
  return total;
}

/// Small networks of every architecture, with every kind of parameter away from its default.
const std::vector<const char*> kSmall = {
    R"({"name": "rdst", "width": 12, "growth": 6, "heads": 3, "window": 4, "layers": [2, 4],
        "dense_layers": [3, 2]})",
    R"({"name": "rdst", "width": 12, "growth": 12, "heads": 3, "window": 2, "layers": 3,
        "dense_layers": 1, "blocks": 2, "gff": true})",
    R"({"name": "swinir", "width": 12, "heads": 3, "window": 4, "layers": [2, 1], "shift": true})",
    R"({"name": "swinir", "width": 12, "heads": 3, "window": 4, "layers": 2, "blocks": 1,
        "upsampler": "steps"})",
    R"({"name": "edsr-lite", "width": 8, "blocks": 2})",
    R"({"name": "rdn", "width": 8, "growth": 4, "layers": 2, "blocks": 2})",
    R"({"name": "rcan", "width": 8, "groups": 2, "blocks": 1, "reduction": 4})",
    R"({"name": "han", "width": 8, "blocks": 1, "reduction": 4})",
    R"({"name": "convnet-lite", "width": 8, "blocks": 2})"};

}  // namespace

TEST(Registry, NetworksAreBuiltAsTheyAreCounted) {
  const torch::NoGradGuard no_grad;
  for (const char* text : kSmall) {
    for (const std::int64_t scale : {2, 3, 4}) {
      for (const std::int64_t channels : {1, 4}) {
        SCOPED_TRACE(c10::str(text, " x", scale, " of ", channels));
        const auto config = boost::json::parse(text).as_object();
        const auto network = make_network(config, channels, scale);
        network->eval();
        EXPECT_EQ(count(*network), sweep::profile_network(sweep::resolve_network(config),
                                                          {.channels = channels, .scale = scale})
                                       .parameters);
        EXPECT_EQ(network->forward(torch::rand({1, channels, 11, 9})).sizes(),
                  (std::vector<std::int64_t>{1, channels, 11 * scale, 9 * scale}));
      }
    }
  }
}

/// An output pixel depends on no LR pixel outside the receptive field that is told.
TEST(Registry, ReceptiveFieldsHoldWhatNetworksSee) {
  for (const char* text :
       {R"({"name": "swinir", "width": 6, "window": 4, "layers": 2, "blocks": 1, "shift": true})",
        R"({"name": "rdst", "width": 6, "growth": 6, "window": 2, "layers": 2, "blocks": 1,
            "dense_layers": 1})",
        R"({"name": "edsr", "width": 4, "blocks": 1})",
        R"({"name": "convnet-lite", "width": 4, "blocks": 1})"}) {
    SCOPED_TRACE(text);
    torch::manual_seed(1);
    const auto config = boost::json::parse(text).as_object();
    const auto network = make_network(config, 1, 4);
    network->eval();
    const std::int64_t told =
        sweep::profile_network(sweep::resolve_network(config), {}).receptive_field;
    std::int64_t seen = 0;
    for (std::int64_t place = 64; place < 80; ++place) {  // All phases of windows and shuffles.
      const torch::Tensor x = torch::rand({1, 1, 32, 32}).requires_grad_(true);
      network->forward(x)[0][0][64][place].backward();
      const torch::Tensor columns = (x.grad().abs().amax({0, 1, 2}) > 0).nonzero();
      seen = std::max(seen, (columns.max() - columns.min()).item<std::int64_t>() + 1);
    }
    EXPECT_LE(seen, told);
    EXPECT_GE(seen + 2, told);  // And it is no wild guess.
  }
}

/// "KEY TYPE SHAPE" lines of an official state dict, recorded from the package named in the file.
std::map<std::string, std::string> recorded(const std::string& name) {
  std::ifstream in(std::string(REPRISE_KEYS_DIR) + "/" + name + ".txt");
  std::map<std::string, std::string> keys;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.find(' ');
    keys[line.substr(0, space)] = line.substr(space + 1);
  }
  EXPECT_GT(keys.size(), 30U) << name;
  return keys;
}

std::map<std::string, std::string> own_keys(const torch::nn::Module& module,
                                            const std::string& prefix = "") {
  std::map<std::string, std::string> keys;
  for (const auto& [key, value] : state_of(module).tensors) {
    if (key.rfind(prefix, 0) != 0) continue;
    std::string shape = value.scalar_type() == torch::kInt64 ? "int64 " : "float32 ";
    for (std::int64_t i = 0; i < value.dim(); ++i) {
      if (i > 0) shape += 'x';
      shape.append(std::to_string(value.size(i)));
    }
    keys[key.substr(prefix.size())] = shape;
  }
  return keys;
}

TEST(Registry, OtherNetworksHaveTheOfficialKeys) {
  EXPECT_EQ(own_keys(Unet(UnetOptions{.channels = 1, .classes = 4, .width = 64})),
            recorded("smp_unet"));

  auto vgg = recorded("vgg19");
  std::erase_if(vgg, [](const auto& item) { return item.first.rfind("classifier.", 0) == 0; });
  EXPECT_EQ(own_keys(Vgg19(VggLayer::Conv54)), vgg);

  auto inception = recorded("inception_v3");
  std::erase_if(inception, [](const auto& item) {
    return item.first.rfind("fc.", 0) == 0 || item.first.rfind("AuxLogits.", 0) == 0;
  });
  EXPECT_EQ(own_keys(FidInception()), inception);

  // torchvision's encoder sees three channels; the U-Net's is made of it for one.
  auto resnet = recorded("resnet34");
  std::erase_if(resnet, [](const auto& item) { return item.first.rfind("fc.", 0) == 0; });
  EXPECT_EQ(resnet.at("conv1.weight"), "float32 64x3x7x7");
  resnet["conv1.weight"] = "float32 64x1x7x7";
  EXPECT_EQ(own_keys(Unet(UnetOptions{.channels = 1, .classes = 4, .width = 64}), "encoder."),
            resnet);
}

TEST(Registry, OtherNetworksHaveTheirOfficialSizes) {
  EXPECT_EQ(count(Critic({.channels = 1, .side = 96})), 23'558'721);
  EXPECT_THROW(Critic({.channels = 1, .side = 40}), Error);
  EXPECT_EQ(count(Vgg19(VggLayer::Conv54)), 20'024'384);  // torchvision's features.
  EXPECT_TRUE(state_of(Vgg19(VggLayer::Conv54)).tensors.contains("features.34.weight"));
  EXPECT_FALSE(state_of(Vgg19(VggLayer::Conv22)).tensors.contains("features.10.weight"));
  EXPECT_EQ(count(FidInception()), 21'785'568);  // torchvision's, without head and AuxLogits.
  EXPECT_TRUE(state_of(FidInception()).tensors.contains("Mixed_7c.branch3x3dbl_3b.bn.running_var"));
}

TEST(Registry, RefusesWhatCannotBe) {
  for (const auto& [channels, scale] :
       {std::pair{0, 4}, std::pair{1, 1}, std::pair{1, 5}, std::pair{65, 4}}) {
    EXPECT_THROW((void)make_network({{"name", "rdst-e"}}, channels, scale), Error);
  }
}

}  // namespace reprise::models
