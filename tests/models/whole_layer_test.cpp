/// A Swin layer as one kernel, against the official order of operations in float64.

#include "models/whole_layer.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include "models/swin.h"
#include "tests/models/largest_error.h"

namespace reprise::models {
namespace {

struct LayerCase {
  std::int64_t channels, heads, window, mlp_ratio;
  double weights;  ///< Their spread: with large ones GELU and softmax saturate.
};

constexpr LayerCase kLayerCases[] = {{60, 6, 8, 2, 0.2}, {90, 6, 8, 2, 0.2},  {120, 6, 8, 2, 0.2},
                                     {180, 6, 8, 2, 2},  {21, 3, 4, 3, 0.2},  {4, 2, 8, 4, 0.2},
                                     {24, 2, 12, 1, 2},  {64, 1, 16, 2, 0.2}, {7, 1, 4, 2, 0.2}};

SwinLayer layer_of(const LayerCase& c, std::int64_t shift, std::int64_t size) {
  torch::manual_seed(8);
  SwinLayer layer(c.channels, c.heads, c.window, shift, c.mlp_ratio, size);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : layer->parameters()) parameter.normal_(0.1, c.weights);
  return layer;
}

SwinLayer in_float64(SwinLayer layer) {
  for (auto& tensor : layer->parameters()) tensor.set_data(tensor.to(torch::kFloat64));
  for (auto& tensor : layer->buffers()) {  // Not the indices.
    if (tensor.is_floating_point()) tensor.set_data(tensor.to(torch::kFloat64));
  }
  return layer;
}

template <typename Module>
std::shared_ptr<Module> child(const SwinLayer& layer, const std::string& name) {
  return std::dynamic_pointer_cast<Module>(layer->named_modules()[name]);
}

SwinLayerParts parts_of(const SwinLayer& layer, std::int64_t heads) {
  using torch::nn::LayerNormImpl;
  using torch::nn::LinearImpl;
  return {.norm1 = torch::nn::LayerNorm(child<LayerNormImpl>(layer, "norm1")),
          .norm2 = torch::nn::LayerNorm(child<LayerNormImpl>(layer, "norm2")),
          .qkv = torch::nn::Linear(child<LinearImpl>(layer, "attn.qkv")),
          .proj = torch::nn::Linear(child<LinearImpl>(layer, "attn.proj")),
          .fc1 = torch::nn::Linear(child<LinearImpl>(layer, "mlp.fc1")),
          .fc2 = torch::nn::Linear(child<LinearImpl>(layer, "mlp.fc2")),
          .heads = heads};
}

torch::Tensor bias_of(const SwinLayer& layer, std::int64_t window) {
  return position_biases({layer->table()}, position_selector(window, torch::kCPU), window)[0];
}

class WholeLayers : public ::testing::TestWithParam<LayerCase> {};

TEST_P(WholeLayers, EverySetMatchesTheOfficialOrderInFloat64) {
  const LayerCase& c = GetParam();
  const torch::NoGradGuard no_grad;
  const auto height = 2 * c.window, width = 3 * c.window;
  const auto plan = make_window_plan(height, width, c.window, SwinPath::Fused, torch::kCPU);
  const auto tokens = torch::randn({2, height * width, c.channels}) * 3;
  int tried = 0;
  for (const std::int64_t shift : {std::int64_t{0}, c.window / 2}) {
    auto layer = layer_of(c, shift, height);
    const WholeLayer whole(parts_of(layer, c.heads));
    const auto bias = bias_of(layer, c.window);
    auto precise = in_float64(layer_of(c, shift, height));
    const auto want = precise->forward(tokens.to(torch::kFloat64), height, width);
    const auto list = kernels::all_kernel_sets();
    for (int at = 0; at < list.count; ++at) {
      if (list.sets[at]->swin_layer == nullptr) continue;
      SCOPED_TRACE(c10::str(list.sets[at]->name, ", shift ", shift));
      const auto got = whole.forward(tokens, plan, bias, shift > 0, *list.sets[at]);
      // By LibTorch in float32 the error is the same within a factor of two.
      const double plain = largest_error(layer->forward(tokens, height, width), want);
      EXPECT_LE(largest_error(got, want), std::max(2e-6, 2 * plain));
      ++tried;
    }
  }
  if (tried == 0) GTEST_SKIP() << "no instruction set of this processor has the kernel";
}

INSTANTIATE_TEST_SUITE_P(All, WholeLayers, ::testing::ValuesIn(kLayerCases));

}  // namespace

TEST(WholeLayer, NeitherThreadsNorImagesBesideItChangeABit) {
  if (kernels::kernel_set().swin_layer == nullptr) GTEST_SKIP() << "this processor does without";
  const torch::NoGradGuard no_grad;
  const LayerCase c = kLayerCases[0];
  const auto layer = layer_of(c, 4, 16);
  const WholeLayer whole(parts_of(layer, c.heads));
  const auto plan = make_window_plan(16, 24, 8, SwinPath::Fused, torch::kCPU);
  const auto bias = bias_of(layer, 8), tokens = torch::randn({3, 16 * 24, 60});
  const auto threads = torch::get_num_threads();
  torch::set_num_threads(1);
  const auto alone = whole.forward(tokens, plan, bias, true);
  torch::set_num_threads(4);
  EXPECT_TRUE(torch::equal(whole.forward(tokens, plan, bias, true), alone));
  EXPECT_TRUE(
      torch::equal(whole.forward(tokens.slice(0, 1, 2), plan, bias, true), alone.slice(0, 1, 2)));
  torch::set_num_threads(threads);
}

TEST(WholeLayer, IsTakenForInferenceInFloat32Only) {
  const auto plan = make_window_plan(16, 16, 8, SwinPath::Fused, torch::kCPU);
  const auto tokens = torch::randn({1, 256, 60});
  EXPECT_FALSE(takes_whole_layer(tokens, plan, 10)) << "gradients are wanted";
  const torch::NoGradGuard no_grad;
  EXPECT_EQ(takes_whole_layer(tokens, plan, 10), kernels::kernel_set().swin_layer != nullptr);
  EXPECT_FALSE(takes_whole_layer(tokens.to(torch::kFloat64), plan, 10));
  EXPECT_FALSE(takes_whole_layer(tokens, plan, kernels::kMaxHeadSize + 1));
  const auto rearranged = make_window_plan(16, 16, 8, SwinPath::Rearranged, torch::kCPU);
  EXPECT_FALSE(takes_whole_layer(tokens, rearranged, 10));
  at::autocast::set_autocast_enabled(at::kCPU, true);
  EXPECT_FALSE(takes_whole_layer(tokens, plan, 10));
  at::autocast::set_autocast_enabled(at::kCPU, false);
}

TEST(PackedLinear, HoldsBlocksOfRowsWithTheirBiasesAndZeros) {
  const auto weight = torch::arange(16, torch::kFloat32).view({8, 2}), bias = -torch::ones({8});
  auto packed = torch::full({kernels::packed_size(2, 8)}, 99.0F);
  kernels::pack_linear(weight.data_ptr<float>(), bias.data_ptr<float>(), 2, 8,
                       packed.data_ptr<float>());
  EXPECT_TRUE(torch::equal(packed.view({2, 3, 6})[0],
                           torch::tensor({{0.F, 2.F, 4.F, 6.F, 8.F, 10.F},
                                          {1.F, 3.F, 5.F, 7.F, 9.F, 11.F},
                                          {-1.F, -1.F, -1.F, -1.F, -1.F, -1.F}})));
  EXPECT_TRUE(
      torch::equal(packed.view({2, 3, 6})[1], torch::tensor({{12.F, 14.F, 0.F, 0.F, 0.F, 0.F},
                                                             {13.F, 15.F, 0.F, 0.F, 0.F, 0.F},
                                                             {-1.F, -1.F, 0.F, 0.F, 0.F, 0.F}})));
}

}  // namespace reprise::models
