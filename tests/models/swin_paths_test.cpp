/// The paths through Swin layers against each other: the official order of operations is the
/// oracle.

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "models/network.h"
#include "models/window_attention.h"

namespace reprise::models {
namespace {

/// A small network whose position tables are not nearly zero, so that an error in them shows.
std::shared_ptr<SrNetwork> network(const char* config) {
  torch::manual_seed(3);
  auto made = make_network(boost::json::parse(config).as_object(), 1, 4);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : made->named_parameters()) {
    if (parameter.key().find("bias_table") != std::string::npos) parameter.value().normal_();
  }
  return made;
}

struct Run {
  torch::Tensor output;
  std::vector<torch::Tensor> gradients;
};

Run run(SrNetwork& net, SwinPath path, const torch::Tensor& lr) {
  net.set_path(path);
  net.zero_grad();
  Run result;
  const torch::Tensor sr = net.forward(lr);
  result.output = sr.detach();
  sr.pow(2).mean().backward();
  for (const auto& parameter : net.parameters()) {
    if (parameter.grad().defined()) result.gradients.push_back(parameter.grad().clone());
  }
  return result;
}

double relative(const torch::Tensor& got, const torch::Tensor& want) {
  return ((got - want).norm() / (want.norm() + 1e-30)).item<double>();
}

void expect_equal(const Run& got, const Run& want, double tolerance) {
  EXPECT_LE(relative(got.output, want.output), tolerance);
  ASSERT_EQ(got.gradients.size(), want.gradients.size());
  for (std::size_t i = 0; i < want.gradients.size(); ++i) {
    EXPECT_LE(relative(got.gradients[i], want.gradients[i]), 20 * tolerance) << "parameter " << i;
  }
}

constexpr const char* kNetworks[] = {
    R"({"name": "rdst", "blocks": 1})",
    R"({"name": "rdst", "blocks": 2, "dense_layers": 1, "gff": true, "window": 4, "width": 24,
        "growth": 12, "layers": 3})",
    R"({"name": "rdst", "blocks": 1, "dense_layers": 1, "window": 12, "width": 36, "growth": 18})",
    R"({"name": "swinir-lite", "blocks": 1, "layers": 2, "shift": true})",
    R"({"name": "swinir", "blocks": 1, "layers": 2, "upsampler": "steps", "shift": true})"};

class SwinPaths : public ::testing::TestWithParam<const char*> {};

TEST_P(SwinPaths, RearrangedIsTheSameFunctionInFloat64) {
  const auto net = network(GetParam());
  for (auto& item : net->named_parameters())
    item.value().set_data(item.value().to(torch::kFloat64));
  for (auto& item : net->named_buffers()) {  // Not the indices.
    if (item.value().is_floating_point()) item.value().set_data(item.value().to(torch::kFloat64));
  }
  const torch::Tensor lr = torch::rand({2, 1, 24, 24}, torch::kFloat64);
  expect_equal(run(*net, SwinPath::Rearranged, lr), run(*net, SwinPath::Reference, lr), 1e-13);
}

TEST_P(SwinPaths, FusedIsTheSameFunctionInFloat32) {
  const auto net = network(GetParam());
  const torch::Tensor lr = torch::rand({2, 1, 24, 24});
  expect_equal(run(*net, SwinPath::Fused, lr), run(*net, SwinPath::Reference, lr), 2e-6);
}

TEST_P(SwinPaths, InferenceIsTheSameAtOtherSizesAndWithHeldWeights) {
  const auto net = network(GetParam());
  net->eval();
  const torch::InferenceMode inference;
  for (const auto& lr : {torch::rand({1, 1, 40, 32}), torch::rand({3, 1, 29, 50})}) {
    net->set_path(SwinPath::Reference);
    const torch::Tensor want = net->forward(lr);
    for (const SwinPath path : {SwinPath::Rearranged, SwinPath::Fused}) {
      net->set_path(path);
      EXPECT_LE(relative(net->forward(lr), want), 1e-5);
      net->hold_weights(true);
      EXPECT_LE(relative(net->forward(lr), want), 1e-5);
      net->hold_weights(false);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, SwinPaths, ::testing::ValuesIn(kNetworks));

}  // namespace

TEST(SwinPath, TheFastestIsOneThatTakesTheInput) {
  EXPECT_EQ(fastest_path(torch::kCPU, torch::kFloat32, 8, 10), SwinPath::Fused);
  EXPECT_EQ(fastest_path(torch::kCPU, torch::kFloat64, 8, 10), SwinPath::Rearranged);
  EXPECT_EQ(fastest_path(torch::kCPU, torch::kFloat32, 7, 10), SwinPath::Rearranged);
  EXPECT_EQ(fastest_path(torch::kCUDA, torch::kFloat64, 8, 10), SwinPath::Rearranged);
  EXPECT_EQ(fastest_path(torch::kCUDA, torch::kFloat32, 16, 10), SwinPath::Rearranged);
}

TEST(SwinPath, AWindowThatTheKernelDoesNotTakeStillRuns) {
  const auto net = network(R"({"name": "rdst", "blocks": 1, "dense_layers": 1, "window": 6,
                               "width": 12, "growth": 6})");
  const torch::Tensor lr = torch::rand({1, 1, 12, 18});
  const auto want = run(*net, SwinPath::Reference, lr);
  net->set_path(std::nullopt);
  EXPECT_LE(relative(net->forward(lr).detach(), want.output), 1e-5);
}

TEST(SwinPath, HeldWeightsAreTakenAgainAfterAChange) {
  const auto net = network(kNetworks[3]);
  net->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor lr = torch::rand({1, 1, 16, 16});
  net->hold_weights(true);
  const torch::Tensor before = net->forward(lr);
  for (auto& parameter : net->parameters()) parameter.mul_(0.5);
  net->hold_weights(true);
  const torch::Tensor held = net->forward(lr);
  net->hold_weights(false);
  EXPECT_TRUE(torch::equal(held, net->forward(lr)));
  EXPECT_GT(relative(held, before), 0.1);
}

}  // namespace reprise::models
