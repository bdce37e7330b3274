#pragma once
/// The phases of the forward pass (see block_attention.h).

#include "models/kernels/block_attention.h"

namespace reprise::models::kernels {

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

}  // namespace reprise::models::kernels
