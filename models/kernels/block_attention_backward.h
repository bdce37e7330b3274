#pragma once
/// The phases of the backward pass (see block_attention.h).

#include "models/kernels/block_attention.h"

namespace reprise::models::kernels {

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
