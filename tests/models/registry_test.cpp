/// Networks by name: built as they are counted, at every scale, with the official keys.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "models/critic.h"
#include "models/inception.h"
#include "models/network.h"
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
    R"({"name": "han", "width": 8, "groups": 2, "blocks": 1, "reduction": 4})",
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

TEST(Registry, OtherNetworksHaveTheirOfficialSizesAndKeys) {
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
