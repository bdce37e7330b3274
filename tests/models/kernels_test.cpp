/// The fused kernels of every instruction set this processor has, against plain LibTorch.

#include <gtest/gtest.h>

#include <cmath>

#include "models/fast_linear.h"
#include "models/fast_norm.h"
#include "models/kernels/kernel_set.h"
#include "models/kernels/product_impl.h"
#include "tests/models/largest_error.h"

namespace reprise::models {
namespace {

using kernels::AttentionShape;

/// One layer's data and its attention by LibTorch in float64.
struct Case {
  explicit Case(const AttentionShape& size, bool masked) : shape(size) {
    torch::manual_seed(5);
    const auto all = shape.windows * shape.tokens, width = shape.heads * shape.head_size;
    qkv = torch::randn({shape.images, all, 3 * width});
    bias = torch::randn({shape.heads, shape.tokens, shape.tokens});
    if (masked) {
      mask = torch::randint(2, {shape.windows, shape.tokens, shape.tokens}).to(torch::kFloat32);
      mask = mask * -100.0;
    }
    place = torch::randperm(all).to(torch::kInt32);
    gradient = torch::randn({shape.images, all, width});
  }

  /// [images, all, width] from qkv and bias, both float64.
  [[nodiscard]] torch::Tensor reference(const torch::Tensor& q64, const torch::Tensor& b64) const {
    const auto rows = q64.index_select(1, place.to(torch::kInt64));
    const auto parts =
        rows.view({shape.images, shape.windows, shape.tokens, 3, shape.heads, shape.head_size})
            .permute({3, 0, 1, 4, 2, 5})
            .unbind(0);
    auto logits = torch::matmul(parts[0], parts[1].transpose(-2, -1)) /
                      std::sqrt(static_cast<double>(shape.head_size)) +
                  b64.transpose(1, 2);
    if (mask.defined()) {
      logits = logits + mask.transpose(1, 2).unsqueeze(1).to(torch::kFloat64);
    }
    const auto out = torch::matmul(torch::softmax(logits, -1), parts[2])
                         .permute({0, 1, 3, 2, 4})
                         .reshape({shape.images, shape.windows * shape.tokens, -1});
    return torch::zeros_like(out).index_copy(1, place.to(torch::kInt64), out);
  }

  template <typename T>
  [[nodiscard]] kernels::AttentionInput<T> input(const torch::Tensor& stored) const {
    return {.shape = shape,
            .qkv = static_cast<const T*>(stored.data_ptr()),
            .place = place.data_ptr<std::int32_t>(),
            .bias = bias.data_ptr<float>(),
            .mask = mask.defined() ? mask.data_ptr<float>() : nullptr,
            .scale = 1.0F / std::sqrt(static_cast<float>(shape.head_size))};
  }

  AttentionShape shape;
  torch::Tensor qkv, bias, mask, place, gradient;
};

template <typename T, typename Forward, typename Backward>
void check(const Case& c, Forward forward, Backward backward, double tolerance) {
  const auto type = std::is_same_v<T, float> ? torch::kFloat32 : torch::kBFloat16;
  const auto stored = c.qkv.to(type), out_gradient = c.gradient.to(type);
  auto q64 = stored.to(torch::kFloat64).requires_grad_(true);
  auto b64 = c.bias.to(torch::kFloat64).requires_grad_(true);
  const auto want = c.reference(q64, b64);
  (want * out_gradient.to(torch::kFloat64)).sum().backward();

  auto out = torch::empty_like(out_gradient), qkv_gradient = torch::empty_like(stored);
  auto stats = torch::empty({c.qkv.size(0), c.qkv.size(1), c.shape.heads, 2});
  auto bias_gradient = torch::ones_like(c.bias);  // It is added to.
  const auto in = c.template input<T>(stored);
  const auto cells = c.shape.images * c.shape.windows;
  const kernels::AttentionOutput<T> to{static_cast<T*>(out.data_ptr()), stats.data_ptr<float>()};
  forward(in, to, 0, cells / 2);
  forward(in, to, cells / 2, cells);
  const kernels::AttentionGradients<T> gradients{
      static_cast<const T*>(out_gradient.data_ptr()), stats.data_ptr<float>(),
      static_cast<T*>(qkv_gradient.data_ptr()), bias_gradient.data_ptr<float>()};
  backward(in, gradients, 0, 1);
  backward(in, gradients, 1, c.shape.heads);
  EXPECT_LE(largest_error(out, want.detach()), tolerance);
  EXPECT_LE(largest_error(qkv_gradient, q64.grad()), 3 * tolerance);
  EXPECT_LE(largest_error(bias_gradient - 1, b64.grad()), 3 * tolerance);
}

}  // namespace

TEST(KernelSet, EverySetMatchesFloat64ForEverySize) {
  const auto list = kernels::all_kernel_sets();
  ASSERT_GE(list.count, 1);
  for (int at = 0; at < list.count; ++at) {
    const auto& set = *list.sets[at];
    for (const auto& [tokens, size] : {std::pair<int, int>{64, 10},
                                       {64, 15},
                                       {64, 20},
                                       {64, 30},
                                       {64, 7},
                                       {16, 4},
                                       {144, 12},
                                       {256, 64}}) {
      for (const bool masked : {false, true}) {
        SCOPED_TRACE(c10::str(set.name, " ", tokens, " tokens, head size ", size));
        const Case c({.images = 2, .windows = 3, .tokens = tokens, .heads = 3, .head_size = size},
                     masked);
        check<float>(c, set.forward, set.backward, 3e-6);
        check<kernels::Bf16>(c, set.forward_bf16, set.backward_bf16, 8e-3);
      }
    }
  }
}

TEST(KernelSet, LargeLogitsNeitherOverflowNorVanish) {
  Case c({.images = 1, .windows = 1, .tokens = 64, .heads = 1, .head_size = 10}, false);
  c.qkv = c.qkv * 40;
  const auto& set = kernels::kernel_set();
  check<float>(c, set.forward, set.backward, 2e-3);  // Logits are rounded at about 5000.
}

/// The sets' own, and the same text for the processor that this file is compiled for.
std::vector<std::pair<const char*, decltype(kernels::KernelSet::product)>> products() {
  std::vector<std::pair<const char*, decltype(kernels::KernelSet::product)>> all;
  all.emplace_back("plain", kernels::product_rows);
  const auto list = kernels::all_kernel_sets();
  for (int at = 0; at < list.count; ++at) {
    if (list.sets[at]->product != nullptr) {
      all.emplace_back(list.sets[at]->name, list.sets[at]->product);
    }
  }
  return all;
}

TEST(ProductKernels, EachMatchesFloat64AndTouchesOnlyItsRows) {
  torch::manual_seed(6);
  for (const auto& [name, product] : products()) {
    for (const auto& [n, k, count] : {std::tuple<int, int, int>{180, 60, 300},
                                      {60, 120, 2049},
                                      {30, 90, 64},
                                      {1, 1, 1},
                                      {9, 49, 1025}}) {
      SCOPED_TRACE(c10::str(name, " ", n, " ", k, " ", count));
      const auto a = torch::randn({count, n}), b = torch::randn({count, k});
      auto out = torch::full({n, k}, -7.0F);
      const auto split = std::min<std::int64_t>(8, n);
      product(a.data_ptr<float>(), n, b.data_ptr<float>(), k, count, out.data_ptr<float>(), 0,
              split);
      EXPECT_TRUE((out.slice(0, split, n) == -7.0F).all().item<bool>());
      product(a.data_ptr<float>(), n, b.data_ptr<float>(), k, count, out.data_ptr<float>(), split,
              n);
      EXPECT_LE(largest_error(out, torch::matmul(a.to(torch::kFloat64).t(), b.to(torch::kFloat64))),
                3e-6);
    }
  }
}

TEST(Kernels, NormsOfEveryWidthMatchLibTorch) {
  torch::manual_seed(4);
  const auto sets = kernels::all_kernel_sets();
  for (const std::int64_t width : {1, 3, 8, 16, 60, 90, 121, 180}) {
    // Far from zero, where a sum of squares less the square of the mean would lose all digits.
    const auto x = torch::randn({7, width}) * 0.01 + 100, gain = torch::randn({width}),
               shift = torch::randn({width});
    const auto want = torch::layer_norm(x.to(torch::kFloat64), {width}, gain.to(torch::kFloat64),
                                        shift.to(torch::kFloat64));
    const kernels::NormInput input{.x = x.data_ptr<float>(),
                                   .width = width,
                                   .gain = gain.data_ptr<float>(),
                                   .shift = shift.data_ptr<float>()};
    for (int s = 0; s < sets.count; ++s) {
      auto out = torch::full_like(x, -7);
      sets.sets[s]->norm(input, out.data_ptr<float>(), 1, 6);
      EXPECT_TRUE((out[0] == -7).all().item<bool>() && (out[6] == -7).all().item<bool>());
      // The mean is rounded to float32: 4e-6 of the spread of 0.01.
      EXPECT_LE(largest_error(out.slice(0, 1, 6), want.slice(0, 1, 6)), 2e-3)
          << sets.sets[s]->name << ", width " << width;
    }
  }
}

TEST(FastNorm, WithoutGradientsIsTheSameFunction) {
  torch::manual_seed(6);
  torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({60}));
  const torch::NoGradGuard no_grad;
  norm->weight.normal_();
  norm->bias.normal_();
  const auto x = torch::randn({2, 500, 60});
  EXPECT_LE(largest_error(fast_layer_norm(x, norm), norm(x)), 1e-6);
  // Rows that do not lie one behind the other.
  const auto turned = x.transpose(1, 2).contiguous().transpose(1, 2);
  EXPECT_LE(largest_error(fast_layer_norm(turned, norm), norm(x)), 1e-6);
  EXPECT_EQ(fast_layer_norm(x.slice(1, 0, 0), norm).numel(), 0);
  EXPECT_THROW((void)fast_layer_norm(x.slice(2, 0, 59), norm), c10::Error);
  const auto precise = x.to(torch::kFloat64);
  norm->to(torch::kFloat64);
  EXPECT_TRUE(torch::equal(fast_layer_norm(precise, norm), norm(precise)));
}

TEST(FastLinear, ValuesAndGradientsMatchLibTorch) {
  torch::manual_seed(2);
  const auto input = torch::randn({3, 50, 60}), residual = torch::randn({3, 50, 90});
  const auto weight = torch::randn({90, 60}), bias = torch::randn({90});
  ASSERT_TRUE(linear_is_fast(input));
  using Inputs = std::vector<torch::Tensor>;
  const auto gradients_of = [&](const auto& function) {
    Inputs leaves;
    for (const auto& t : {input, weight, bias, residual}) {
      leaves.push_back(t.clone().requires_grad_(true));
    }
    const auto y = function(leaves);
    y.pow(2).sum().backward();
    Inputs result{y.detach()};
    for (const auto& leaf : leaves) {
      result.push_back(leaf.grad().defined() ? leaf.grad() : torch::zeros({1}));
    }
    return result;
  };
  const auto compare = [](const Inputs& got, const Inputs& want) {
    for (std::size_t i = 0; i < want.size(); ++i) {
      EXPECT_LE((got[i] - want[i]).norm().item<double>(), 1e-5 * want[i].norm().item<double>())
          << i;
    }
  };
  const auto plain = [](const Inputs& l) { return at::linear(l[0], l[1], l[2]); };
  compare(gradients_of([](const Inputs& l) { return fast_linear(l[0], l[1], l[2]); }),
          gradients_of(plain));
  compare(gradients_of([](const Inputs& l) { return fast_linear_add(l[0], l[1], l[2], l[3]); }),
          gradients_of([&](const Inputs& l) { return l[3] + plain(l); }));
  compare(gradients_of([](const Inputs& l) { return fast_linear_gelu(l[0], l[1], l[2]); }),
          gradients_of([&](const Inputs& l) { return torch::gelu(plain(l)); }));
  const torch::NoGradGuard no_grad;
  const auto want = torch::gelu(at::linear(input, weight, bias));
  EXPECT_LE((fast_linear_gelu(input, weight, bias) - want).abs().max().item<double>(), 1e-4);
  EXPECT_FALSE(linear_is_fast(input.to(torch::kFloat64)));
}

}  // namespace reprise::models
