/// The GPU kernels' arithmetic, a block of threads after another on the CPU, against the CPU
/// kernel.

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "models/kernels/block_attention_backward.h"
#include "models/kernels/block_attention_forward.h"
#include "models/kernels/kernel_set.h"
#include "models/torch.h"
#include "tests/models/largest_error.h"

namespace reprise::models::kernels {
namespace {

constexpr int kTokens = kBlockTokens;

std::vector<BlockThread> block() {
  std::vector<BlockThread> threads;
  for (int t = 0; t < kBlockThreads; ++t) threads.emplace_back(t);
  return threads;
}

/// What models/cuda/window_attention.cu launches: every phase for all threads, then the next.
template <int D>
void forward_grid(const BlockArguments& in) {
  const auto shared = std::make_unique<ForwardShared<D>>();
  auto threads = block();
  for (std::int64_t pair = 0; pair < in.images * in.windows; ++pair) {
    for (std::int64_t head = 0; head < in.heads; ++head) {
      const BlockCell<D> cell(in, pair, head);
      for (auto& t : threads) forward_load(in, cell, t, *shared);
      for (auto& t : threads) forward_logits(in, cell, t, *shared);
      for (auto& t : threads) forward_weights(t, *shared);
      for (auto& t : threads) forward_out(in, cell, t, *shared);
    }
  }
}

template <int D>
void backward_grid(const BlockArguments& in) {
  const auto shared = std::make_unique<BackwardShared<D>>();
  for (std::int64_t chunk = 0; chunk < in.chunks; ++chunk) {
    for (std::int64_t head = 0; head < in.heads; ++head) {
      auto threads = block();
      for (auto& t : threads) backward_begin(in, head, t);
      for (auto pair = chunk_begin(in, chunk); pair < chunk_begin(in, chunk + 1); ++pair) {
        const BlockCell<D> cell(in, pair, head);
        for (auto& t : threads) backward_load(in, cell, t, *shared);
        for (auto& t : threads) backward_weights(in, cell, t, *shared);
        for (auto& t : threads) backward_logits(t, *shared);
        for (auto& t : threads) backward_out(in, cell, t, *shared);
      }
      for (auto& t : threads) backward_end(in, chunk, head, t);
    }
  }
}

template <int D>
void check(bool masked) {
  SCOPED_TRACE(c10::str("head size ", D, masked ? ", masked" : ""));
  torch::manual_seed(4);
  constexpr std::int64_t kImages = 2, kWindows = 4, kHeads = 3;
  const auto all = kWindows * kTokens, width = kHeads * D;
  const auto qkv = torch::randn({kImages, all, 3 * width});
  const auto bias = torch::randn({kHeads, kTokens, kTokens});
  const auto mask = torch::randint(2, {kWindows, kTokens, kTokens}).to(torch::kFloat32) * -100.0;
  const auto place = torch::randperm(all).to(torch::kInt32);
  const auto gradient = torch::randn({kImages, all, width});
  const float scale = 1.0F / std::sqrt(static_cast<float>(D));
  const auto stats_shape = std::vector<int64_t>{kImages, kWindows, kHeads, 2, kTokens};

  const AttentionInput<float> in{.shape = {kImages, kWindows, kTokens, kHeads, D},
                                 .qkv = qkv.data_ptr<float>(),
                                 .place = place.data_ptr<std::int32_t>(),
                                 .bias = bias.data_ptr<float>(),
                                 .mask = masked ? mask.data_ptr<float>() : nullptr,
                                 .scale = scale};
  auto out = torch::zeros_like(gradient), stats = torch::zeros(stats_shape);
  auto qkv_gradient = torch::zeros_like(qkv), bias_gradient = torch::zeros_like(bias);
  const auto& set = kernel_set();
  set.forward(in, {out.data_ptr<float>(), stats.data_ptr<float>()}, 0, kImages * kWindows);
  set.backward(in,
               {gradient.data_ptr<float>(), stats.data_ptr<float>(), qkv_gradient.data_ptr<float>(),
                bias_gradient.data_ptr<float>()},
               0, kHeads);

  BlockArguments block;
  block.images = kImages;
  block.windows = kWindows;
  block.heads = kHeads;
  block.qkv = in.qkv;
  block.place = in.place;
  block.bias = in.bias;
  block.mask = in.mask;
  block.scale = scale;
  auto block_out = torch::full_like(out, NAN), block_stats = torch::full(stats_shape, NAN);
  auto block_qkv = torch::full_like(qkv, NAN);
  block.chunks = 3;  // Of 8 pairs: parts of unequal size.
  auto parts = torch::full({block.chunks, kHeads, kTokens, kTokens}, NAN);
  block.out = block_out.data_ptr<float>();
  block.stats = block_stats.data_ptr<float>();
  forward_grid<D>(block);
  block.out_gradient = gradient.data_ptr<float>();
  block.qkv_gradient = block_qkv.data_ptr<float>();
  block.bias_parts = parts.data_ptr<float>();
  backward_grid<D>(block);
  EXPECT_LE(largest_error(block_out, out), 2e-6);
  EXPECT_LE(largest_error(block_qkv, qkv_gradient), 5e-6);
  EXPECT_LE(largest_error(parts.sum(0), bias_gradient), 5e-6);
}

}  // namespace

TEST(BlockAttention, MatchesTheCpuKernelForEveryHeadSizeThatTheGpuTakes) {
  for (const bool masked : {false, true}) {
    check<4>(masked);
    check<5>(masked);
    check<6>(masked);
    check<8>(masked);
    check<10>(masked);
    check<12>(masked);
    check<15>(masked);
    check<16>(masked);
    check<20>(masked);
    check<30>(masked);
  }
}

}  // namespace reprise::models::kernels
