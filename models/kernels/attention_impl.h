#pragma once
/// The kernels' text, compiled once an instruction set (see simd.h).

#include "models/kernels/attention_tiles.h"

namespace reprise::models::kernels {
namespace {

constexpr std::int64_t kPadded = (kMaxHeadSize + kLanes - 1) / kLanes * kLanes;

template <int D, int N, typename T>
void forward_cell(Sizes<D, N> size, const AttentionInput<T>& in, const AttentionOutput<T>& to,
                  const Cell<T>& cell) {
  const std::int64_t n = size.n(), d = size.d();
  alignas(64) float q[kMaxHeadSize * kMaxTokens];  // [d][n]
  alignas(64) float k[kMaxTokens * kMaxHeadSize];  // [n][d]
  alignas(64) float v[kMaxTokens * kMaxHeadSize];  // [n][d]
  alignas(64) float s[kMaxTokens * kGroup];        // [n][group]
  alignas(64) float o[kMaxHeadSize * kGroup];      // [d][group]
  for (std::int64_t i = 0; i < n; i += kLanes)
    gather(cell.q, cell.stride, cell.place + i, d, in.scale, q + i, n);
  for (std::int64_t i = 0; i < n; ++i) {
    const T* row = cell.q + cell.place[i] * cell.stride;
    copy_row(row + cell.width, d, k + i * d);
    copy_row(row + 2 * cell.width, d, v + i * d);
  }
  T* out = to.out + cell.image_row * cell.width + cell.column;
  const HeadRows keys{k, d, 1, n, 0}, values{v, d, 1, n, 0};
  for (std::int64_t g = 0; g < n; g += kGroup) {
    Group largest, inverse;
    attend(size, keys, values, q + g, n, cell.bias + g,
           cell.mask == nullptr ? nullptr : cell.mask + g, s, o, largest, inverse);
    if (to.stats != nullptr) {
      store_group(to.stats + cell.stats + g, largest);
      store_group(to.stats + cell.stats + n + g, inverse);
    }
    for (std::int64_t i = 0; i < kGroup; i += kLanes)
      scatter(o + i, kGroup, cell.place + g + i, d, 1.0F, out, cell.width);
  }
}

/// to[j][:] = sum over i of weights[j][i] * rows[i][:] for every key j and `Vectors` vectors of the
/// padded rows.
template <int Vectors, int D, int N>
REPRISE_INLINE void sum_vectors_over_queries(Sizes<D, N> size, const float* weights,
                                             const float* rows, std::int64_t padded, float* to) {
  constexpr int kKeys = 8 / Vectors;
  const std::int64_t n = size.n();
  for (std::int64_t j = 0; j < n; j += kKeys) {
    Vec sum[kKeys][Vectors] = {};
    for (std::int64_t i = 0; i < n; ++i) {
      Vec row[Vectors];
      for (int p = 0; p < Vectors; ++p) row[p] = load(rows + i * padded + p * kLanes);
      for (int u = 0; u < kKeys; ++u) {
        for (int p = 0; p < Vectors; ++p) sum[u][p] += weights[(j + u) * n + i] * row[p];
      }
    }
    for (int u = 0; u < kKeys; ++u) {
      for (int p = 0; p < Vectors; ++p) store(to + (j + u) * padded + p * kLanes, sum[u][p]);
    }
  }
}

template <int D, int N>
REPRISE_INLINE void sum_over_queries(Sizes<D, N> size, const float* weights, const float* rows,
                                     std::int64_t padded, float* to) {
  std::int64_t at = 0;
  for (; at + 2 * kLanes <= padded; at += 2 * kLanes)
    sum_vectors_over_queries<2>(size, weights, rows + at, padded, to + at);
  if (at < padded) sum_vectors_over_queries<1>(size, weights, rows + at, padded, to + at);
}

/// Memory of the backward pass of one (window, head). What rows are padded with stays 0.
struct Scratch {
  alignas(64) float q[kMaxHeadSize * kMaxTokens];   ///< [d][n], scaled
  alignas(64) float go[kMaxHeadSize * kMaxTokens];  ///< [d][n]
  alignas(64) float gq[kMaxHeadSize * kMaxTokens];  ///< [d][n]
  alignas(64) float k[kMaxTokens * kMaxHeadSize];   ///< [n][d]
  alignas(64) float v[kMaxTokens * kMaxHeadSize];   ///< [n][d]
  alignas(64) float q_rows[kMaxTokens * kPadded];   ///< [n][padded]
  alignas(64) float go_rows[kMaxTokens * kPadded];  ///< [n][padded]
  alignas(64) float gk[kMaxTokens * kPadded];       ///< [n][padded]
  alignas(64) float gv[kMaxTokens * kPadded];       ///< [n][padded]
  alignas(64) float p[kMaxTokens * kMaxTokens];     ///< [key][query]
  alignas(64) float ds[kMaxTokens * kMaxTokens];    ///< [key][query]
};

template <int D, int N, typename T>
void backward_cell(Sizes<D, N> size, const AttentionInput<T>& in, const AttentionGradients<T>& to,
                   const Cell<T>& cell, float* bias_gradient, Scratch& m) {
  const std::int64_t n = size.n(), d = size.d();
  const std::int64_t padded = (d + kLanes - 1) / kLanes * kLanes;
  const T* out_gradient = to.out + cell.image_row * cell.width + cell.column;
  for (std::int64_t i = 0; i < n; i += kLanes) {
    gather(cell.q, cell.stride, cell.place + i, d, in.scale, m.q + i, n, m.q_rows + i * padded,
           padded);
    gather(out_gradient, cell.width, cell.place + i, d, 1.0F, m.go + i, n, m.go_rows + i * padded,
           padded);
  }
  for (std::int64_t i = 0; i < n; ++i) {
    const T* row = cell.q + cell.place[i] * cell.stride;
    copy_row(row + cell.width, d, m.k + i * d);
    copy_row(row + 2 * cell.width, d, m.v + i * d);
  }
  const HeadRows keys{m.k, d, 1, n, 0}, values{m.v, d, 1, n, 0};
  for (std::int64_t g = 0; g < n; g += kGroup) {
    const Group largest = load_group(to.stats + cell.stats + g);
    const Group inverse = load_group(to.stats + cell.stats + n + g);
    Group delta{};
    for (std::int64_t j = 0; j < n; j += 4) {
      Group a[4];
      logits(size, keys, j, m.q + g, n, cell.bias + j * n + g,
             cell.mask == nullptr ? nullptr : cell.mask + j * n + g, a);
      for (int u = 0; u < 4; ++u) {
        for (int p = 0; p < kVectors; ++p) {
          store(m.p + (j + u) * n + g + p * kLanes,
                exp_of_negative(a[u].part[p] - largest.part[p]) * inverse.part[p]);
        }
      }
      Group dp[4] = {};
      add_dots(size, values, j, m.go + g, n, dp);
      for (int u = 0; u < 4; ++u) {
        store_group(m.ds + (j + u) * n + g, dp[u]);
        for (int p = 0; p < kVectors; ++p)
          delta.part[p] += load(m.p + (j + u) * n + g + p * kLanes) * dp[u].part[p];
      }
    }
    for (std::int64_t j = 0; j < n; ++j) {
      for (int p = 0; p < kVectors; ++p) {
        float* at = m.ds + j * n + g + p * kLanes;
        store(at, load(m.p + j * n + g + p * kLanes) * (load(at) - delta.part[p]));
      }
    }
    weigh(size, keys, m.ds + g, n, m.gq + g);
  }
  if (bias_gradient != nullptr) {
    for (std::int64_t at = 0; at < n * n; at += kLanes) {
      store(bias_gradient + at, load(bias_gradient + at) + load(m.ds + at));
    }
  }
  sum_over_queries(size, m.p, m.go_rows, padded, m.gv);
  sum_over_queries(size, m.ds, m.q_rows, padded, m.gk);
  T* gradient = to.qkv + cell.image_row * cell.stride + cell.column;
  for (std::int64_t i = 0; i < n; i += kLanes)
    scatter(m.gq + i, n, cell.place + i, d, in.scale, gradient, cell.stride);
  for (std::int64_t i = 0; i < n; ++i) {
    T* row = gradient + cell.place[i] * cell.stride;
    copy_row(m.gk + i * padded, d, row + cell.width);
    copy_row(m.gv + i * padded, d, row + 2 * cell.width);
  }
}

template <int D, int N, typename T>
void forward_range(const AttentionInput<T>& in, const AttentionOutput<T>& to, std::int64_t begin,
                   std::int64_t end) {
  const Sizes<D, N> size{in.shape.head_size, in.shape.tokens};
  for (std::int64_t at = begin; at < end; ++at) {
    for (std::int64_t head = 0; head < in.shape.heads; ++head) {
      forward_cell(size, in, to, Cell<T>(in, at / in.shape.windows, at % in.shape.windows, head));
    }
  }
}

template <int D, int N, typename T>
void backward_range(const AttentionInput<T>& in, const AttentionGradients<T>& to,
                    std::int64_t begin, std::int64_t end) {
  const Sizes<D, N> size{in.shape.head_size, in.shape.tokens};
  auto* scratch = new Scratch();  // Zeros; too large for a thread's stack.
  for (std::int64_t head = begin; head < end; ++head) {
    float* bias = to.bias == nullptr ? nullptr : to.bias + head * size.n() * size.n();
    for (std::int64_t at = 0; at < in.shape.images * in.shape.windows; ++at) {
      backward_cell(size, in, to, Cell<T>(in, at / in.shape.windows, at % in.shape.windows, head),
                    bias, *scratch);
    }
  }
  delete scratch;
}

template <typename T>
void forward_all(const AttentionInput<T>& in, const AttentionOutput<T>& to, std::int64_t begin,
                 std::int64_t end) {
  REPRISE_FOR_SIZE(forward_range, in, to, begin, end);
}

template <typename T>
void backward_all(const AttentionInput<T>& in, const AttentionGradients<T>& to, std::int64_t begin,
                  std::int64_t end) {
  REPRISE_FOR_SIZE(backward_range, in, to, begin, end);
}

}  // namespace
}  // namespace reprise::models::kernels
