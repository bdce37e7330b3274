/// The GPU's linear layer, a block of threads after another on the CPU, against LibTorch in
/// float64.

#include "models/kernels/block_linear.h"
#include "models/torch.h"

#include <gtest/gtest.h>

#include <vector>

namespace reprise::models::kernels {
namespace {

/// Blocks of one share of the taps.
void grid_of_share(const LinearArguments& in, int begin, int end) {
  // LibTorch aligns to 64 bytes, as four_at needs it.
  auto memory = torch::full({linear_shared(in.inputs)}, NAN);
  const LinearShared shared(memory.data_ptr<float>(), in.inputs);
  for (std::int64_t rows = 0; rows * kLinearRows < in.rows; ++rows) {
    for (int columns = 0; columns * kLinearColumns < in.outputs; ++columns) {
      std::vector<LinearThread> threads;
      for (int t = 0; t < kLinearThreads; ++t) threads.emplace_back(t, rows, columns);
      for (int tap = begin; tap < end; ++tap) {
        for (const auto& t : threads) linear_load(in, t, tap, shared);
        if (in.gain != nullptr) {
          for (const auto& t : threads) linear_sums(in, t, shared);
          for (const auto& t : threads) linear_squares(in, t, shared);
          for (const auto& t : threads) linear_norm(in, t, shared);
        }
        for (auto& t : threads) linear_multiply(in, t, shared);
      }
      for (const auto& t : threads) linear_share(t, shared);
      for (const auto& t : threads) linear_out(in, t, shared);
    }
  }
}

/// What models/cuda/small_linear.cu launches: every phase for all threads, then the next.
void grid(const LinearArguments& in) {
  if (in.shares == 1) {
    grid_of_share(in, 0, in.taps);
    return;
  }
  for (int share = 0; share < in.shares; ++share) {
    grid_of_share(linear_share_of(in, share), in.taps * share / in.shares,
                  in.taps * (share + 1) / in.shares);
  }
  for (std::int64_t at = 0; at < in.rows * in.outputs; ++at) linear_reduce(in, at);
}

void check(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, bool norm, bool gelu,
           bool residual, bool has_bias) {
  SCOPED_TRACE(c10::str(rows, "x", inputs, "x", outputs, norm ? " norm" : "", gelu ? " gelu" : "",
                        residual ? " residual" : "", has_bias ? " bias" : ""));
  torch::manual_seed(6);
  const auto x = torch::randn({rows, inputs}) + 3, weight = torch::randn({outputs, inputs});
  const auto bias = torch::randn({outputs}), gain = torch::randn({inputs});
  const auto shift = torch::randn({inputs}), base = torch::randn({rows, outputs});
  auto out = torch::full({rows, outputs}, NAN);
  LinearArguments in;
  in.rows = rows;
  in.inputs = static_cast<int>(inputs);
  in.outputs = static_cast<int>(outputs);
  in.x = x.const_data_ptr<float>();
  in.weight = weight.const_data_ptr<float>();
  if (has_bias) in.bias = bias.const_data_ptr<float>();
  if (norm) {
    in.gain = gain.const_data_ptr<float>();
    in.shift = shift.const_data_ptr<float>();
    in.epsilon = 1e-5F;
  }
  in.gelu = gelu;
  if (residual) in.residual = base.const_data_ptr<float>();
  in.out = out.data_ptr<float>();
  grid(in);
  const auto exact = [](const torch::Tensor& tensor) { return tensor.to(torch::kFloat64); };
  auto want = exact(x);
  if (norm) want = torch::layer_norm(want, {inputs}, exact(gain), exact(shift), 1e-5);
  want = torch::matmul(want, exact(weight).t());
  if (has_bias) want = want + exact(bias);
  if (gelu) want = torch::gelu(want);
  if (residual) want = want + exact(base);
  EXPECT_LE(((out - want).norm() / want.norm()).item<double>(), 1e-6);
}

}  // namespace

TEST(BlockLinear, IsTheLayerForEverySizeAndPart) {
  check(64, 60, 180, true, false, false, true);  // As in RDST.
  check(40, 90, 60, false, false, true, true);   // Inputs and rows that fill no tile.
  check(33, 61, 35, true, true, true, true);     // Nothing fills anything.
  check(1, 1, 1, false, true, false, false);
  check(70, 512, 32, true, false, true, false);  // The most inputs.
}

TEST(BlockLinear, IsA3x3Convolution) {
  torch::manual_seed(8);
  constexpr std::int64_t kImages = 2, kHeight = 5, kWidth = 7, kIn = 10, kOut = 33;
  const auto x = torch::randn({kImages, kHeight, kWidth, kIn});
  const auto weight = torch::randn({kOut, kIn, 3, 3}), bias = torch::randn({kOut});
  const auto base = torch::randn({kImages, kHeight, kWidth, kOut});
  const auto by_tap = weight.permute({2, 3, 0, 1}).contiguous();
  auto out = torch::full_like(base, NAN);
  LinearArguments in;
  in.rows = kImages * kHeight * kWidth;
  in.inputs = kIn;
  in.outputs = kOut;
  in.x = x.const_data_ptr<float>();
  in.weight = by_tap.const_data_ptr<float>();
  in.bias = bias.const_data_ptr<float>();
  in.residual = base.const_data_ptr<float>();
  in.out = out.data_ptr<float>();
  in.taps = 9;
  in.height = kHeight;
  in.width = kWidth;
  const auto want = torch::conv2d(x.permute({0, 3, 1, 2}).to(torch::kFloat64),
                                  weight.to(torch::kFloat64), bias.to(torch::kFloat64), 1, 1)
                        .permute({0, 2, 3, 1}) +
                    base;
  auto sums = torch::full({2, in.rows, kOut}, NAN);
  in.sums = sums.data_ptr<float>();
  for (const int shares : {1, 2}) {
    in.shares = shares;
    out.fill_(NAN);
    grid(in);
    EXPECT_LE(((out - want).norm() / want.norm()).item<double>(), 1e-6) << shares;
  }
}

}  // namespace reprise::models::kernels
