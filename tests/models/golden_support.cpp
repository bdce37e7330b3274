#include "golden_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

namespace reprise::golden {
namespace {

namespace json = boost::json;
using models::TensorFile;

std::uint32_t mix(std::uint32_t x) {
  x ^= x >> 16U;
  x *= 0x7feb352dU;
  x ^= x >> 15U;
  x *= 0x846ca68bU;
  return x ^ x >> 16U;
}

/// base + amp * u(key, seed, index), as the golden files' README defines it.
void fill_by_formula(TensorFile& state, const TensorFile& file) {
  const json::value recipe = json::parse(file.metadata.at("recipe"));
  const auto seed = static_cast<std::uint32_t>(std::stoul(file.metadata.at("seed")));
  for (const json::value& item : recipe.as_array()) {
    const std::string key(item.as_array()[0].as_string());
    const auto base = item.as_array()[2].to_number<double>();
    const auto amp = item.as_array()[3].to_number<double>();
    std::uint32_t hash = 0x811c9dc5U;
    for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193U;
    const std::uint32_t s = mix(hash + seed);
    torch::Tensor& value = state.tensors.at(key);
    auto* out = value.data_ptr<float>();
    for (std::int64_t i = 0; i < value.numel(); ++i) {
      const std::uint32_t h = mix(static_cast<std::uint32_t>(i) + s);
      out[i] = static_cast<float>(base + amp * (static_cast<double>(h >> 8U) * 0x1p-23 - 1.0));
    }
  }
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

void check_gradient_norms(models::SrNetwork& network, const TensorFile& file,
                          const std::string& prefix) {
  double largest = 0;
  for (const auto& [key, norm] : file.tensors) {
    if (key.rfind(prefix, 0) == 0) largest = std::max(largest, norm.item<double>());
  }
  for (const auto& item : network.named_parameters()) {
    const auto want = file.tensors.find(prefix + item.key());
    const torch::Tensor gradient = item.value().grad();
    if (want == file.tensors.end()) {
      EXPECT_TRUE(!gradient.defined() || !item.value().requires_grad()) << item.key();
      continue;
    }
    ASSERT_TRUE(gradient.defined()) << item.key();
    const auto norm = want->second.item<double>();
    EXPECT_NEAR(gradient.to(torch::kFloat64).norm().item<double>(), norm,
                1e-3 * norm + 1e-4 * largest)
        << item.key();
  }
}

}  // namespace

TensorFile load(const std::string& name) {
  return models::read_safetensors(std::filesystem::path(REPRISE_GOLDEN_DIR) /
                                  (name + ".safetensors"));
}

void fill(torch::nn::Module& module, const TensorFile& file) {
  torch::NoGradGuard no_grad;
  TensorFile state = models::state_of(module);
  if (file.metadata.at("weights") == "formula") {
    fill_by_formula(state, file);
    return;
  }
  for (const auto& [key, value] : file.tensors) {
    if (key.rfind("w.", 0) == 0) state.tensors[key.substr(2)] = value;
  }
  models::load_weights(module, state, file.metadata.at("name"));
}

void check_network(models::SrNetwork& network, const TensorFile& file) {
  int cases = 0;
  for (const auto& [key, input] : file.tensors) {
    if (key.rfind("in.x.", 0) != 0) continue;
    ++cases;
    const std::string name = key.substr(5);
    SCOPED_TRACE(name);
    network.zero_grad();
    const torch::Tensor x = input.clone().requires_grad_(true);
    const torch::Tensor y = network.forward(x);
    const torch::Tensor want = file.tensors.at("out.y." + name);
    const double scale = std::max(1.0, want.abs().max().item<double>());
    const double error = largest_difference(y, want) / scale;
    ::testing::Test::RecordProperty("error_" + name, std::to_string(error * 1e9) + "e-9");
    EXPECT_LE(error, 2e-5);
    (y - file.tensors.at("in.target." + name)).abs().mean().backward();
    const torch::Tensor gradient = file.tensors.at("out.gradx." + name);
    // Rounding moves single values over a kink of the loss or an activation.
    EXPECT_LE(largest_difference(x.grad(), gradient),
              5e-3 * gradient.abs().max().item<double>() + 1e-9);
    check_gradient_norms(network, file, "gradnorm." + name + ".");
  }
  EXPECT_GT(cases, 0);
}

}  // namespace reprise::golden
