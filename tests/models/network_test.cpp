#include "models/network.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sweep/error.h"

namespace reprise::models {
namespace {

boost::json::object small() {
  return {{"name", "rdst"}, {"width", 12},       {"growth", 6}, {"heads", 6},  {"window", 4},
          {"layers", 2},    {"dense_layers", 1}, {"blocks", 1}, {"gff", false}};
}

}  // namespace

TEST(Network, AnySizeGoesInAndScaleTimesItComesOut) {
  const auto network = make_network(small(), 1, 4);
  torch::NoGradGuard no_grad;
  EXPECT_EQ(network->forward(torch::rand({2, 1, 10, 13})).sizes(),
            (std::vector<int64_t>{2, 1, 40, 52}));
  EXPECT_EQ(make_network(small(), 4, 3)->forward(torch::rand({1, 4, 8, 8})).size(3), 24);
}

TEST(Network, RdstEHasTheReferencesParameterCount) {
  boost::json::object config = {{"name", "rdst"}, {"width", 60},       {"growth", 30},
                                {"heads", 6},     {"window", 8},       {"layers", 2},
                                {"blocks", 4},    {"dense_layers", 3}, {"gff", false}};
  int64_t count = 0;
  for (const auto& parameter : make_network(config, 1, 4)->parameters()) count += parameter.numel();
  EXPECT_EQ(count, 2'379'245);
}

TEST(Network, LoadingNamesEveryKeyThatDoesNotFit) {
  const auto network = make_network(small(), 1, 4);
  TensorFile state = state_of(*network);
  load_weights(*network, state, "here");
  state.tensors.erase("head.bias");
  state.tensors["extra"] = torch::zeros({1});
  state.tensors["norm.bias"] = torch::zeros({3});
  try {
    load_weights(*network, state, "here");
    FAIL();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("missing head.bias"), std::string::npos);
    EXPECT_NE(text.find("unexpected extra"), std::string::npos);
    EXPECT_NE(text.find("norm.bias has shape [3]"), std::string::npos);
  }
}

TEST(Network, ImpossibleValuesAreRefusedWithTheReason) {
  boost::json::object config = small();
  config["width"] = 13;
  EXPECT_THROW((void)make_network(config, 1, 4), Error);
  config = small();
  config["name"] = "rdts";
  EXPECT_THROW((void)make_network(config, 1, 4), Error);
}

}  // namespace reprise::models
