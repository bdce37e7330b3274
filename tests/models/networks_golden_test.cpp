/// Parity of the comparison networks with the official implementation.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "golden_support.h"

namespace reprise {
namespace {

struct GoldenCase {
  const char* file;
  const char* config;  ///< What `make_network` is given.
};

class NetworkGolden : public ::testing::TestWithParam<GoldenCase> {};

TEST_P(NetworkGolden, OutputsAndGradientsMatch) {
  const models::TensorFile file = golden::load(GetParam().file);
  const auto config = boost::json::parse(GetParam().config).as_object();
  const auto network = models::make_network(config, std::stoll(file.metadata.at("in_channels")), 4);
  network->eval();
  golden::fill(*network, file);
  if (const auto count = file.metadata.find("n_params"); count != file.metadata.end()) {
    std::int64_t parameters = 0;
    for (const auto& parameter : network->parameters()) parameters += parameter.numel();
    EXPECT_EQ(std::to_string(parameters), count->second);
  }
  golden::check_network(*network, file);
}

INSTANTIATE_TEST_SUITE_P(
    Small, NetworkGolden,
    ::testing::Values(
        GoldenCase{"edsr_a", R"({"name": "edsr", "width": 16, "blocks": 3})"},
        GoldenCase{"edsr_b", R"({"name": "edsr-lite", "width": 12, "blocks": 2})"},
        GoldenCase{"rdn_a",
                   R"({"name": "rdn", "width": 16, "growth": 8, "layers": 3, "blocks": 3})"},
        GoldenCase{"rcan_a",
                   R"({"name": "rcan", "width": 16, "groups": 2, "blocks": 2, "reduction": 4})"},
        GoldenCase{"han_a", R"({"name": "han", "width": 16, "blocks": 1, "reduction": 4})"},
        GoldenCase{"convnet_a", R"({"name": "convnet-lite", "width": 16, "blocks": 3})"},
        GoldenCase{"swinir_a", R"({"name": "swinir-lite", "width": 24, "layers": 2, "blocks": 2,
                                   "shift": true})"},
        GoldenCase{"swinir_noshift_a",
                   R"({"name": "swinir-lite", "width": 24, "layers": 2, "blocks": 2})"},
        GoldenCase{"swinir_ps_a", R"({"name": "swinir", "width": 24, "heads": 3, "layers": 2,
                                      "blocks": 1, "shift": true, "upsampler": "steps"})"}),
    [](const auto& instance) { return std::string(instance.param.file); });

INSTANTIATE_TEST_SUITE_P(
    PaperSize, NetworkGolden,
    ::testing::Values(GoldenCase{"full_edsr", R"({"name": "edsr"})"},
                      GoldenCase{"full_edsr_lite", R"({"name": "edsr-lite"})"},
                      GoldenCase{"full_rdn", R"({"name": "rdn"})"},
                      GoldenCase{"full_rcan", R"({"name": "rcan"})"},
                      GoldenCase{"full_han", R"({"name": "han"})"},
                      GoldenCase{"full_convnet_lite", R"({"name": "convnet-lite"})"},
                      GoldenCase{"full_convnet_large", R"({"name": "convnet-large"})"},
                      GoldenCase{"full_swinir", R"({"name": "swinir"})"},
                      GoldenCase{"full_swinir_shift", R"({"name": "swinir", "shift": true})"},
                      GoldenCase{"full_swinir_lite", R"({"name": "swinir-lite"})"},
                      GoldenCase{"full_swinir_lite_shift",
                                 R"({"name": "swinir-lite", "shift": true})"},
                      GoldenCase{"swinir_lite_full", R"({"name": "swinir-lite"})"}),
    [](const auto& instance) { return std::string(instance.param.file); });

}  // namespace
}  // namespace reprise
