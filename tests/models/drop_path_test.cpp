#include "models/drop_path.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "models/network.h"

namespace reprise::models {
namespace {

/// The same number for everything that is asked.
DropDraws constant(double value) {
  return [value](std::int64_t, std::int64_t) { return value; };
}

std::shared_ptr<SrNetwork> network_of(const std::string& text) {
  torch::manual_seed(1);
  return make_network(boost::json::parse(text).as_object(), 1, 4);
}

void set_draws(SrNetwork& network, DropDraws draws) {
  dynamic_cast<HasDropPath&>(network).set_drop_draws(std::move(draws));
}

constexpr const char* kSwinir =
    R"({"name": "swinir", "width": 12, "heads": 3, "window": 4, "layers": 2, "blocks": 2,
        "drop_path": 0.6, "shift": true})";
constexpr const char* kRdst =
    R"({"name": "rdst", "width": 12, "growth": 6, "heads": 3, "window": 4, "layers": 2,
        "dense_layers": 1, "blocks": 2, "drop_path": 0.6})";

TEST(DropPath, TheChanceRisesFromLayerToLayer) {
  // torch.linspace(0, 0.6, 4): 0, 0.2, 0.4, 0.6.
  const auto factors = drop_factors(0.6, 4, 2, constant(0.3), torch::TensorOptions());
  ASSERT_EQ(factors.size(), 4U);
  EXPECT_FALSE(factors[0].attention.defined());
  EXPECT_NEAR(factors[1].attention[0].item<double>(), 1 / 0.8, 1e-6);  // 0.3 >= 0.2: kept.
  EXPECT_EQ(factors[2].mlp[1].item<double>(), 0);
  EXPECT_EQ(factors[3].attention.sizes(), (std::vector<std::int64_t>{2, 1, 1}));
  EXPECT_FALSE(drop_factors(0.6, 1, 2, constant(0), torch::TensorOptions())[0].mlp.defined());
}

TEST(DropPath, EverySampleAndBranchAsksForItself) {
  std::vector<std::pair<std::int64_t, std::int64_t>> asked;
  const auto draws = [&](std::int64_t sample, std::int64_t branch) {
    asked.emplace_back(branch, sample);
    return sample == 1 && branch == 3 ? 0.0 : 0.9;
  };
  const auto factors = drop_factors(0.5, 2, 2, draws, torch::TensorOptions());
  EXPECT_EQ(asked,
            (std::vector<std::pair<std::int64_t, std::int64_t>>{{2, 0}, {2, 1}, {3, 0}, {3, 1}}));
  EXPECT_EQ(factors[1].attention[1].item<double>(), 2);
  EXPECT_EQ(factors[1].mlp[0].item<double>(), 2);
  EXPECT_EQ(factors[1].mlp[1].item<double>(), 0);
}

TEST(DropPath, OnlyTrainingLeavesBranchesOut) {
  const torch::NoGradGuard no_grad;
  for (const char* text : {kSwinir, kRdst}) {
    const auto network = network_of(text);
    const auto x = torch::rand({2, 1, 8, 8});
    network->eval();
    const auto whole = network->forward(x);
    set_draws(*network, constant(0));  // Everything that can be is left out.
    EXPECT_TRUE(torch::equal(network->forward(x), whole));
    network->train();
    EXPECT_GT((network->forward(x) - whole).abs().max().item<double>(), 1e-5);
    set_draws(*network, {});
    EXPECT_TRUE(torch::allclose(network->forward(x), whole, 1e-5, 1e-6));
  }
}

/// Attention in windows and the official order of operations leave out the same branches.
TEST(DropPath, EveryPathComputesTheSame) {
  for (const char* text : {kSwinir, kRdst}) {
    const auto network = network_of(text);
    network->train();
    set_draws(*network, [](std::int64_t sample, std::int64_t branch) {
      return static_cast<double>((7 * sample + 3 * branch) % 10) / 10;
    });
    const auto x = torch::rand({3, 1, 8, 12});
    std::vector<torch::Tensor> outputs, gradients;
    for (const auto path : {std::optional(SwinPath::Reference), std::optional<SwinPath>()}) {
      network->set_path(path);
      network->zero_grad();
      outputs.push_back(network->forward(x));
      outputs.back().square().mean().backward();
      gradients.push_back(torch::cat([&] {
        std::vector<torch::Tensor> flat;
        for (const auto& item : network->parameters()) {
          if (item.grad().defined()) flat.push_back(item.grad().flatten().clone());
        }
        return flat;
      }()));
    }
    EXPECT_TRUE(torch::allclose(outputs[0], outputs[1], 1e-4, 2e-5));
    EXPECT_LT((gradients[0] - gradients[1]).norm().item<double>(),
              1e-3 * gradients[0].norm().item<double>());
  }
}

/// A part of a batch computes what the whole does: masks follow samples, not ranks.
TEST(DropPath, MasksFollowTheSample) {
  const torch::NoGradGuard no_grad;
  const auto network = network_of(kSwinir);
  network->train();
  const auto draws_from = [](std::int64_t first) -> DropDraws {
    return [first](std::int64_t sample, std::int64_t branch) {
      return static_cast<double>((7 * (first + sample) + 3 * branch) % 10) / 10;
    };
  };
  const auto x = torch::rand({4, 1, 8, 8});
  set_draws(*network, draws_from(0));
  const auto whole = network->forward(x);
  set_draws(*network, draws_from(3));
  EXPECT_TRUE(
      torch::allclose(network->forward(x.narrow(0, 3, 1)), whole.narrow(0, 3, 1), 1e-4, 1e-5));
}

}  // namespace
}  // namespace reprise::models
