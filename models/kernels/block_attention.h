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

/// Forward, phase 1 of 4: brings the cell's tokens.
template <int D>
REPRISE_BOTH void forward_load(const BlockArguments& in, const BlockCell<D>& cell,
                               const BlockThread& t, ForwardShared<D>& shared) {
  // All of a thread's numbers are on their way before it waits for the first.
  float q[kLoads<D>] = {}, k[kLoads<D>] = {}, v[kLoads<D>] = {};
  for (int i = 0; i < kLoads<D>; ++i) {
    const int at = t.index + i * kBlockThreads;
    if (at >= kBlockTokens * D) continue;
    const float* row = in.qkv + cell.qkv + cell.row(at / D) * 3 * cell.width + at % D;
    q[i] = row[0];
    k[i] = row[cell.width];
    v[i] = row[2 * cell.width];
  }
  for (int i = 0; i < kLoads<D>; ++i) {
    const int at = t.index + i * kBlockThreads;
    if (at >= kBlockTokens * D) continue;
    const int token = at / D, c = at % D;
    shared.q[c][token] = q[i] * in.scale;
    shared.k[c][token] = k[i];
    shared.v[c][token] = v[i];
  }
}

/// Forward, phase 2: logits.
template <int D>
REPRISE_BOTH void forward_logits(const BlockArguments& in, const BlockCell<D>& cell, BlockThread& t,
                                 ForwardShared<D>& shared) {
  constexpr int kSquare = kBlockTokens * kBlockTokens;
  for (auto& row : t.s) {
    for (float& value : row) value = 0;
  }
  add_square(in.bias + cell.head * kSquare, t, t.s);
  if (in.mask != nullptr) add_square(in.mask + cell.window * kSquare, t, t.s);
  add_product<D>(shared.q, shared.k, t, t.s);
  for (int i = 0; i < kBlockTile; ++i) {
    float largest = t.s[i][0];
    for (int j = 1; j < kBlockTile; ++j) largest = t.s[i][j] > largest ? t.s[i][j] : largest;
    shared.largest[t.queries + i][t.keys / kBlockTile] = largest;
  }
}

/// Forward, phase 3: weights, not yet divided by their sum.
template <int D>
REPRISE_BOTH void forward_weights(BlockThread& t, ForwardShared<D>& shared) {
  for (int i = 0; i < kBlockTile; ++i) {
    const float largest = largest_of(shared.largest[t.queries + i]);
    Four weights;
    float total = 0;
    for (int j = 0; j < kBlockTile; ++j) {
      weights.v[j] = block_exp(t.s[i][j] - largest);
      total += weights.v[j];
    }
    four_at(&shared.p[t.queries + i][t.keys]) = weights;
    shared.total[t.queries + i][t.keys / kBlockTile] = total;
  }
}

/// Forward, phase 4: the output.
template <int D>
REPRISE_BOTH void forward_out(const BlockArguments& in, const BlockCell<D>& cell,
                              const BlockThread& t, const ForwardShared<D>& shared) {
  const int first = t.keys / kBlockTile;
  float sum[kBlockTile][kChannels<D>] = {};
  multiply_rows<D>(shared.p, t.queries, shared.v, first, sum);
  for (int i = 0; i < kBlockTile; ++i) {
    const int query = t.queries + i;
    const float inverse = 1 / sum_of(shared.total[query]);
    float* out = in.out + cell.out + cell.row(query) * cell.width;
    for (int at = 0; at < kChannels<D>; ++at) {
      const int channel = first + at * kBlockGroups;
      if (channel < D) out[channel] = sum[i][at] * inverse;
    }
    if (first == 0 && in.stats != nullptr) {
      in.stats[cell.stats + query] = largest_of(shared.largest[query]);
      in.stats[cell.stats + kBlockTokens + query] = inverse;
    }
  }
}

/// Backward, phase 0, once a block: the bias, and its gradient's sum starts at 0.
REPRISE_BOTH void backward_begin(const BlockArguments& in, std::int64_t head, BlockThread& t) {
  for (int i = 0; i < kBlockTile; ++i) {
    for (int j = 0; j < kBlockTile; ++j) t.bias[i][j] = t.dbias[i][j] = 0;
  }
  add_square(in.bias + head * kBlockTokens * kBlockTokens, t, t.bias);
}

/// Backward, phase 1 of 4 of a cell.
template <int D>
REPRISE_BOTH void backward_load(const BlockArguments& in, const BlockCell<D>& cell,
                                const BlockThread& t, BackwardShared<D>& shared) {
  float q[kLoads<D>] = {}, k[kLoads<D>] = {}, v[kLoads<D>] = {}, go[kLoads<D>] = {};
  for (int i = 0; i < kLoads<D>; ++i) {
    const int at = t.index + i * kBlockThreads;
    if (at >= kBlockTokens * D) continue;
    const std::int64_t token = cell.row(at / D);
    const float* row = in.qkv + cell.qkv + token * 3 * cell.width + at % D;
    q[i] = row[0];
    k[i] = row[cell.width];
    v[i] = row[2 * cell.width];
    go[i] = in.out_gradient[cell.out + token * cell.width + at % D];
  }
  for (int i = 0; i < kLoads<D>; ++i) {
    const int at = t.index + i * kBlockThreads;
    if (at >= kBlockTokens * D) continue;
    const int token = at / D, c = at % D;
    shared.q[c][token] = q[i] * in.scale;
    shared.k[c][token] = k[i];
    shared.v[c][token] = v[i];
    shared.go[c][token] = go[i];
  }
}

/// Backward, phase 2: weights and their gradient.
template <int D>
REPRISE_BOTH void backward_weights(const BlockArguments& in, const BlockCell<D>& cell,
                                   BlockThread& t, BackwardShared<D>& shared) {
  for (int i = 0; i < kBlockTile; ++i) {
    for (int j = 0; j < kBlockTile; ++j) {
      t.s[i][j] = t.bias[i][j];
      t.dp[i][j] = 0;
    }
  }
  if (in.mask != nullptr) {
    add_square(in.mask + cell.window * kBlockTokens * kBlockTokens, t, t.s);
  }
  add_product<D>(shared.q, shared.k, t, t.s);
  add_product<D>(shared.go, shared.v, t, t.dp);
  for (int i = 0; i < kBlockTile; ++i) {
    const int query = t.queries + i;
    const float largest = in.stats[cell.stats + query];
    const float inverse = in.stats[cell.stats + kBlockTokens + query];
    float delta = 0;
    for (int j = 0; j < kBlockTile; ++j) {
      t.s[i][j] = block_exp(t.s[i][j] - largest) * inverse;
      delta += t.s[i][j] * t.dp[i][j];
    }
    shared.delta[query][t.keys / kBlockTile] = delta;
  }
}

/// Backward, phase 3: gradient of the logits.
template <int D>
REPRISE_BOTH void backward_logits(BlockThread& t, BackwardShared<D>& shared) {
  for (int i = 0; i < kBlockTile; ++i) {
    const int query = t.queries + i;
    const float delta = sum_of(shared.delta[query]);
    Four weights, gradient;
    for (int j = 0; j < kBlockTile; ++j) {
      weights.v[j] = t.s[i][j];
      gradient.v[j] = t.s[i][j] * (t.dp[i][j] - delta);
      t.dbias[i][j] += gradient.v[j];
    }
    four_at(&shared.p[query][t.keys]) = weights;
    four_at(&shared.ds[query][t.keys]) = gradient;
  }
}

/// Backward, phase 4: gradients of queries, keys and values.
template <int D>
REPRISE_BOTH void backward_out(const BlockArguments& in, const BlockCell<D>& cell,
                               const BlockThread& t, const BackwardShared<D>& shared) {
  const int first = t.keys / kBlockTile;
  float q[kBlockTile][kChannels<D>] = {}, k[kBlockTile][kChannels<D>] = {};
  float v[kBlockTile][kChannels<D>] = {};
  multiply_rows<D>(shared.ds, t.queries, shared.k, first, q);
  multiply_columns<D>(shared.ds, t.queries, shared.q, first, k);
  multiply_columns<D>(shared.p, t.queries, shared.go, first, v);
  for (int i = 0; i < kBlockTile; ++i) {
    float* row = in.qkv_gradient + cell.qkv + cell.row(t.queries + i) * 3 * cell.width;
    for (int at = 0; at < kChannels<D>; ++at) {
      const int channel = first + at * kBlockGroups;
      if (channel >= D) continue;
      row[channel] = q[i][at] * in.scale;
      row[cell.width + channel] = k[i][at];
      row[2 * cell.width + channel] = v[i][at];
    }
  }
}

/// Backward, at the end of a block: its part of the bias gradient.
REPRISE_BOTH void backward_end(const BlockArguments& in, std::int64_t chunk, std::int64_t head,
                               const BlockThread& t) {
  float* part = in.bias_parts + (chunk * in.heads + head) * kBlockTokens * kBlockTokens;
  for (int j = 0; j < kBlockTile; ++j) {
    Four of_key;
    for (int i = 0; i < kBlockTile; ++i) of_key.v[i] = t.dbias[i][j];
    four_at(part + (t.keys + j) * kBlockTokens + t.queries) = of_key;
  }
}

/// The (image, window) pairs of a chunk: [begin, end).
REPRISE_BOTH std::int64_t chunk_begin(const BlockArguments& in, std::int64_t chunk) {
  return in.images * in.windows * chunk / in.chunks;
}

}  // namespace reprise::models::kernels
