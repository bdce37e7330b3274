#pragma once
/// Window attention as a block of 256 threads computes it: a thread holds a tile of 4 queries by 4
/// keys of one window and head.
///
/// The CUDA kernels (models/cuda/) and a CPU build for tests share this text: a kernel is a list of
/// phases with a barrier between them, and the CPU runs each phase for all threads in turn. So the
/// arithmetic is tested where there is no GPU; what is not is the launch.

#include <cmath>
#include <cstdint>

#include "models/kernels/block.h"

namespace reprise::models::kernels {

/// Arguments of both passes. Layouts as in kernel_set.h, but the bias is read as
/// [heads, key, query] and no pointer is null except `mask` and `stats` (forward, inference).
struct BlockArguments {
  std::int64_t images = 1, windows = 1, heads = 1;
  const float* qkv = nullptr;           ///< [images, windows * N, 3, heads, D]
  const std::int32_t* place = nullptr;  ///< [windows * N]
  const float* bias = nullptr;          ///< [heads, N, N]
  const float* mask = nullptr;          ///< [windows, N, N]
  float scale = 1;
  float* out = nullptr;    ///< Forward: [images, windows * N, heads, D].
  float* stats = nullptr;  ///< [images, windows, heads, 2, N]: maximum and 1 / sum.
  const float* out_gradient = nullptr;
  float* qkv_gradient = nullptr;
  /// Backward: [chunks, heads, N, N], one part a chunk of (image, window) pairs, to be summed by
  /// the caller: no atomic additions, so that the sum's order is fixed.
  float* bias_parts = nullptr;
  std::int64_t chunks = 1;
};

constexpr int kBlockTokens = 64;    ///< Of a window.
constexpr int kBlockThreads = 256;  ///< 16 groups of queries by 16 groups of keys.
constexpr int kBlockTile = kFour;   ///< Queries, and keys, of a thread.
constexpr int kBlockGroups = 16;
constexpr int kBlockRow = kBlockTokens + 4;  ///< A padded row: whole 16 bytes, no bank conflicts.

REPRISE_BOTH float block_exp(float x) {
#ifdef __CUDA_ARCH__
  return __expf(x);
#else
  return std::exp(x);
#endif
}

/// [channel][token], so that neighbouring tokens are read at once.
template <int D>
using Tokens = float[D][kBlockRow];
/// [query][key]
using Square = float[kBlockTokens][kBlockRow];
/// [query][group of keys]
using Partial = float[kBlockTokens][kBlockGroups];

template <int D>
struct alignas(16) ForwardShared {
  Tokens<D> q, k, v;  ///< q: scaled.
  Square p;
  Partial largest, total;
};

template <int D>
struct alignas(16) BackwardShared {
  Tokens<D> q, k, v, go;  ///< q: scaled.
  Square p, ds;
  Partial delta;
};

/// One (image, window, head) and where it lies.
template <int D>
struct BlockCell {
  REPRISE_BOTH BlockCell(const BlockArguments& in, std::int64_t pair, std::int64_t at_head) {
    window = pair % in.windows;
    head = at_head;
    width = in.heads * D;
    const std::int64_t first = pair / in.windows * in.windows * kBlockTokens;
    qkv = first * 3 * width + head * D;
    out = first * width + head * D;
    stats = (pair * in.heads + head) * 2 * kBlockTokens;
    place = in.place + window * kBlockTokens;
  }
  REPRISE_BOTH std::int64_t row(int token) const { return place[token]; }
  std::int64_t window, head, width, qkv, out, stats;
  const std::int32_t* place;
};

/// What a thread keeps between phases.
struct BlockThread {
  REPRISE_BOTH explicit BlockThread(int t)
      : index(t), queries(t / kBlockGroups * kBlockTile), keys(t % kBlockGroups * kBlockTile) {}
  int index;
  int queries, keys;                    ///< The first of its tile.
  float s[kBlockTile][kBlockTile];      ///< [query][key]: logits, then weights.
  float dp[kBlockTile][kBlockTile];     ///< Backward: gradient of the weights, then logits.
  float bias[kBlockTile][kBlockTile];   ///< Backward: of every cell of the block.
  float dbias[kBlockTile][kBlockTile];  ///< Backward: the chunk's sum.
};

/// Adds a tile of [key][query] numbers.
REPRISE_BOTH void add_square(const float* square, const BlockThread& t,
                             float (&tile)[kBlockTile][kBlockTile]) {
  for (int j = 0; j < kBlockTile; ++j) {
    const Four of_key = four_at(square + (t.keys + j) * kBlockTokens + t.queries);
    for (int i = 0; i < kBlockTile; ++i) tile[i][j] += of_key.v[i];
  }
}

/// tile[query][key] += sum over channels of a[channel][query] * b[channel][key].
template <int D>
REPRISE_BOTH void add_product(const Tokens<D>& a, const Tokens<D>& b, const BlockThread& t,
                              float (&tile)[kBlockTile][kBlockTile]) {
  for (int c = 0; c < D; ++c) {
    const Four left = four_at(&a[c][t.queries]);
    const Four right = four_at(&b[c][t.keys]);
    for (int i = 0; i < kBlockTile; ++i) {
      for (int j = 0; j < kBlockTile; ++j) tile[i][j] += left.v[i] * right.v[j];
    }
  }
}

REPRISE_BOTH float largest_of(const float (&row)[kBlockGroups]) {
  float largest = row[0];
  for (int at = 0; at < kBlockGroups; at += kFour) {
    for (const float value : four_at(row + at).v) largest = value > largest ? value : largest;
  }
  return largest;
}

REPRISE_BOTH float sum_of(const float (&row)[kBlockGroups]) {
  float sum = 0;
  for (int at = 0; at < kBlockGroups; at += kFour) {
    const Four& four = four_at(row + at);
    sum += (four.v[0] + four.v[1]) + (four.v[2] + four.v[3]);
  }
  return sum;
}

/// Channels of a thread in products whose rows are tokens: c, c + 16, ...
template <int D>
constexpr int kChannels = (D + kBlockGroups - 1) / kBlockGroups;

/// sum[row][channel] += rows of `weights` (its tile's, [row][step]) times b[channel][step].
template <int D>
REPRISE_BOTH void multiply_rows(const Square& weights, int first_row, const Tokens<D>& b, int first,
                                float (&sum)[kBlockTile][kChannels<D>]) {
  for (int step = 0; step < kBlockTokens; step += kBlockTile) {
    Four rows[kBlockTile];
    for (int i = 0; i < kBlockTile; ++i) rows[i] = four_at(&weights[first_row + i][step]);
    for (int at = 0; at < kChannels<D>; ++at) {
      const int channel = first + at * kBlockGroups;
      if (channel >= D) continue;
      const Four right = four_at(&b[channel][step]);
      for (int i = 0; i < kBlockTile; ++i) {
        for (int j = 0; j < kBlockTile; ++j) sum[i][at] += rows[i].v[j] * right.v[j];
      }
    }
  }
}

/// The same with columns of `weights`: [step][row].
template <int D>
REPRISE_BOTH void multiply_columns(const Square& weights, int first_row, const Tokens<D>& b,
                                   int first, float (&sum)[kBlockTile][kChannels<D>]) {
  for (int step = 0; step < kBlockTokens; step += kBlockTile) {
    Four columns[kBlockTile];
    for (int j = 0; j < kBlockTile; ++j) columns[j] = four_at(&weights[step + j][first_row]);
    for (int at = 0; at < kChannels<D>; ++at) {
      const int channel = first + at * kBlockGroups;
      if (channel >= D) continue;
      const Four right = four_at(&b[channel][step]);
      for (int j = 0; j < kBlockTile; ++j) {
        for (int i = 0; i < kBlockTile; ++i) sum[i][at] += columns[j].v[i] * right.v[j];
      }
    }
  }
}

/// Numbers of each kind that a thread brings.
template <int D>
constexpr int kLoads = (kBlockTokens * D + kBlockThreads - 1) / kBlockThreads;

}  // namespace reprise::models::kernels
