/// The GPU's layer norm and column sums, a block of threads after another on the CPU, against
/// LibTorch in float64.

#include "models/kernels/block_norm.h"
#include "models/torch.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace reprise::models::kernels {
namespace {

std::vector<NormThread> norm_block() {
  std::vector<NormThread> threads;
  for (int t = 0; t < kNormThreads; ++t) threads.emplace_back(t);
  return threads;
}

/// What models/cuda/norm.cu launches: every phase for all threads, then the next.
void forward_grid(const NormArguments& in) {
  const auto shared = std::make_unique<NormShared>();
  for (std::int64_t first = 0; first < in.rows; first += kNormRows) {
    auto threads = norm_block();
    for (auto& t : threads) norm_load(in, first, t, *shared);
    for (auto& t : threads) norm_squares(in, t, *shared);
    for (auto& t : threads) norm_out(in, first, t, *shared);
  }
}

void backward_grid(const NormArguments& in) {
  const auto shared = std::make_unique<NormShared>();
  for (std::int64_t chunk = 0; chunk < in.chunks; ++chunk) {
    auto threads = norm_block();
    const auto end = norm_begin(in, chunk + 1);
    for (auto first = norm_begin(in, chunk); first < end; first += kNormRows) {
      for (auto& t : threads) norm_gradients(in, first, end, t, *shared);
      for (auto& t : threads) norm_back(in, first, end, t, *shared);
    }
    for (auto& t : threads) norm_share(in, t, *shared);
    for (auto& t : threads) norm_parts(in, chunk, t, *shared);
  }
}

double root_error(const torch::Tensor& got, const torch::Tensor& want) {
  return ((got - want).norm() / want.norm()).item<double>();
}

torch::Tensor leaf(const torch::Tensor& tensor) {
  return tensor.to(torch::kFloat64).detach().requires_grad_(true);
}

}  // namespace

TEST(BlockNorm, IsLibTorchsLayerNormAndItsGradients) {
  for (const int width : {60, 90, 256, 33}) {
    SCOPED_TRACE(width);
    torch::manual_seed(5);
    constexpr std::int64_t kRows = 45;  // Neither whole groups nor equal chunks.
    const auto x = torch::randn({kRows, width}) * 2 + 3, gain = torch::randn({width});
    const auto shift = torch::randn({width}), gradient = torch::randn({kRows, width});
    auto out = torch::full({kRows, width}, NAN), stats = torch::full({kRows, 2}, NAN);
    auto x_gradient = torch::full({kRows, width}, NAN);
    NormArguments in;
    in.rows = kRows;
    in.width = width;
    in.x = x.const_data_ptr<float>();
    in.gain = gain.const_data_ptr<float>();
    in.shift = shift.const_data_ptr<float>();
    in.epsilon = 1e-5F;
    in.out = out.data_ptr<float>();
    in.stats = stats.data_ptr<float>();
    in.out_gradient = gradient.const_data_ptr<float>();
    in.x_gradient = x_gradient.data_ptr<float>();
    in.chunks = 4;
    auto parts = torch::full({in.chunks, 2, width}, NAN);
    in.parts = parts.data_ptr<float>();
    forward_grid(in);
    backward_grid(in);
    const auto x64 = leaf(x), gain64 = leaf(gain), shift64 = leaf(shift);
    const auto want = torch::layer_norm(x64, {width}, gain64, shift64, 1e-5);
    (want * gradient).sum().backward();
    EXPECT_LE(root_error(out, want.detach()), 1e-6);
    EXPECT_LE(root_error(x_gradient, x64.grad()), 2e-6);
    EXPECT_LE(root_error(parts.sum(0)[0], gain64.grad()), 1e-6);
    EXPECT_LE(root_error(parts.sum(0)[1], shift64.grad()), 1e-6);
  }
}

TEST(BlockNorm, SumsColumns) {
  torch::manual_seed(7);
  const auto x = torch::randn({123, 70});
  auto out = torch::full({5, 70}, NAN);
  const ColumnArguments in{.rows = 123,
                           .width = 70,
                           .x = x.const_data_ptr<float>(),
                           .out = out.data_ptr<float>(),
                           .chunks = 5};
  ColumnShared shared;
  for (std::int64_t first = 0; first < in.width; first += kColumns) {
    for (std::int64_t chunk = 0; chunk < in.chunks; ++chunk) {
      for (int t = 0; t < kColumnThreads; ++t) column_sums(in, first, chunk, t, shared);
      for (int t = 0; t < kColumnThreads; ++t) column_out(in, first, chunk, t, shared);
    }
  }
  EXPECT_LE(root_error(out.sum(0), x.to(torch::kFloat64).sum(0)), 1e-6);
}

}  // namespace reprise::models::kernels
