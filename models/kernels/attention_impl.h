#pragma once
/// The kernels' text, compiled once an instruction set (see simd.h).

#include "models/kernels/kernel_set.h"
#include "models/kernels/simd.h"

namespace reprise::models::kernels {
namespace {

constexpr std::int64_t kPadded = (kMaxHeadSize + kLanes - 1) / kLanes * kLanes;

/// Head size and tokens as constants where the caller knows them (so that loops are unrolled and
/// sums stay in registers), else 0.
template <int D, int N>
struct Sizes {
  std::int64_t runtime_d, runtime_n;
  [[gnu::always_inline]] std::int64_t d() const { return D > 0 ? D : runtime_d; }
  [[gnu::always_inline]] std::int64_t n() const { return N > 0 ? N : runtime_n; }
};

/// `count` floats of a row of memory.
template <typename T>
REPRISE_INLINE void copy_row(const T* from, std::int64_t count, float* to) {
  for (std::int64_t c = 0; c < count; ++c) to[c] = to_float(from[c]);
}

/// Where a (window, head) lies in the tensors.
template <typename T>
struct Cell {
  Cell(const AttentionInput<T>& in, std::int64_t image, std::int64_t window, std::int64_t head) {
    const auto& s = in.shape;
    width = s.heads * s.head_size;
    stride = 3 * width;
    image_row = image * s.windows * s.tokens;
    place = in.place + window * s.tokens;
    column = head * s.head_size;
    q = in.qkv + image_row * stride + column;
    bias = in.bias + head * s.tokens * s.tokens;
    mask = in.mask == nullptr ? nullptr : in.mask + window * s.tokens * s.tokens;
    stats = ((image * s.windows + window) * s.heads + head) * 2 * s.tokens;
  }
  std::int64_t width, stride, image_row, column, stats;
  const std::int32_t* place;
  const T* q;
  const float* bias;
  const float* mask;
};

/// Logits of four keys against a vector of queries: bias + mask + sum over c of k[key][c] *
/// q[c][query].
template <int D, int N>
REPRISE_INLINE void logits(Sizes<D, N> size, const float* keys, const float* q_group,
                           const float* bias, const float* mask, Vec* out) {
  const std::int64_t n = size.n(), d = size.d();
  Vec a0 = load(bias), a1 = load(bias + n), a2 = load(bias + 2 * n), a3 = load(bias + 3 * n);
  if (mask != nullptr) {
    a0 += load(mask);
    a1 += load(mask + n);
    a2 += load(mask + 2 * n);
    a3 += load(mask + 3 * n);
  }
  for (std::int64_t c = 0; c < d; ++c) {
    const Vec q = load(q_group + c * n);
    a0 += keys[c] * q;
    a1 += keys[d + c] * q;
    a2 += keys[2 * d + c] * q;
    a3 += keys[3 * d + c] * q;
  }
  out[0] = a0;
  out[1] = a1;
  out[2] = a2;
  out[3] = a3;
}

template <int D, int N, typename T>
void forward_cell(Sizes<D, N> size, const AttentionInput<T>& in, const AttentionOutput<T>& to,
                  const Cell<T>& cell) {
  const std::int64_t n = size.n(), d = size.d();
  alignas(64) float q[kMaxHeadSize * kMaxTokens];  // [d][n]
  alignas(64) float k[kMaxTokens * kMaxHeadSize];  // [n][d]
  alignas(64) float v[kMaxTokens * kMaxHeadSize];  // [n][d]
  alignas(64) float s[kMaxTokens * kLanes];        // [n][lanes]
  for (std::int64_t i = 0; i < n; ++i) {
    const T* row = cell.q + cell.place[i] * cell.stride;
    for (std::int64_t c = 0; c < d; ++c) q[c * n + i] = to_float(row[c]) * in.scale;
    copy_row(row + cell.width, d, k + i * d);
    copy_row(row + 2 * cell.width, d, v + i * d);
  }
  T* out = to.out + cell.image_row * cell.width + cell.column;
  for (std::int64_t g = 0; g < n; g += kLanes) {
    Vec largest = splat(-3e38F);
    for (std::int64_t j = 0; j < n; j += 4) {
      Vec a[4];
      logits(size, k + j * d, q + g, cell.bias + j * n + g,
             cell.mask == nullptr ? nullptr : cell.mask + j * n + g, a);
      for (int u = 0; u < 4; ++u) {
        store(s + (j + u) * kLanes, a[u]);
        largest = maximum(largest, a[u]);
      }
    }
    Vec sum{};
    Vec o[D > 0 ? D : kMaxHeadSize];
    for (std::int64_t c = 0; c < d; ++c) o[c] = Vec{};
    for (std::int64_t j = 0; j < n; ++j) {
      const Vec p = exp_of_negative(load(s + j * kLanes) - largest);
      sum += p;
      for (std::int64_t c = 0; c < d; ++c) o[c] += v[j * d + c] * p;
    }
    const Vec inverse = 1.0F / sum;
    if (to.stats != nullptr) {
      store(to.stats + cell.stats + g, largest);
      store(to.stats + cell.stats + n + g, inverse);
    }
    for (std::int64_t c = 0; c < d; ++c) store(s + c * kLanes, o[c] * inverse);
    for (std::int64_t i = 0; i < kLanes; ++i) {
      T* row = out + cell.place[g + i] * cell.width;
      for (std::int64_t c = 0; c < d; ++c) row[c] = from_float<T>(s[c * kLanes + i]);
    }
  }
}

/// to[j][:] = sum over i of weights[j][i] * rows[i][:] for every key j; rows are padded to vectors.
template <int D, int N>
REPRISE_INLINE void sum_over_queries(Sizes<D, N> size, const float* weights, const float* rows,
                                     std::int64_t padded, float* to) {
  const std::int64_t n = size.n();
  for (std::int64_t at = 0; at < padded; at += kLanes) {
    for (std::int64_t j = 0; j < n; j += 8) {
      Vec sum[8] = {};
      for (std::int64_t i = 0; i < n; ++i) {
        const Vec row = load(rows + i * padded + at);
        for (int u = 0; u < 8; ++u) sum[u] += weights[(j + u) * n + i] * row;
      }
      for (int u = 0; u < 8; ++u) store(to + (j + u) * padded + at, sum[u]);
    }
  }
}

/// Memory of the backward pass of one (window, head).
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
  for (std::int64_t i = 0; i < n; ++i) {
    const T* row = cell.q + cell.place[i] * cell.stride;
    const T* go_row = out_gradient + cell.place[i] * cell.width;
    for (std::int64_t c = 0; c < d; ++c) {
      const float q = to_float(row[c]) * in.scale;
      const float go = to_float(go_row[c]);
      m.q[c * n + i] = q;
      m.go[c * n + i] = go;
      m.q_rows[i * padded + c] = q;
      m.go_rows[i * padded + c] = go;
    }
    for (std::int64_t c = d; c < padded; ++c)
      m.q_rows[i * padded + c] = m.go_rows[i * padded + c] = 0;
    copy_row(row + cell.width, d, m.k + i * d);
    copy_row(row + 2 * cell.width, d, m.v + i * d);
  }
  for (std::int64_t g = 0; g < n; g += kLanes) {
    const Vec largest = load(to.stats + cell.stats + g);
    const Vec inverse = load(to.stats + cell.stats + n + g);
    Vec delta{};
    for (std::int64_t j = 0; j < n; j += 4) {
      Vec a[4];
      logits(size, m.k + j * d, m.q + g, cell.bias + j * n + g,
             cell.mask == nullptr ? nullptr : cell.mask + j * n + g, a);
      Vec dp[4] = {};
      for (std::int64_t c = 0; c < d; ++c) {
        const Vec go = load(m.go + c * n + g);
        for (int u = 0; u < 4; ++u) dp[u] += m.v[(j + u) * d + c] * go;
      }
      for (int u = 0; u < 4; ++u) {
        const Vec p = exp_of_negative(a[u] - largest) * inverse;
        store(m.p + (j + u) * n + g, p);
        store(m.ds + (j + u) * n + g, dp[u]);
        delta += p * dp[u];
      }
    }
    Vec gq[D > 0 ? D : kMaxHeadSize];
    for (std::int64_t c = 0; c < d; ++c) gq[c] = Vec{};
    for (std::int64_t j = 0; j < n; ++j) {
      float* at = m.ds + j * n + g;
      const Vec ds = load(m.p + j * n + g) * (load(at) - delta);
      store(at, ds);
      for (std::int64_t c = 0; c < d; ++c) gq[c] += m.k[j * d + c] * ds;
    }
    for (std::int64_t c = 0; c < d; ++c) store(m.gq + c * n + g, gq[c] * in.scale);
  }
  if (bias_gradient != nullptr) {
    for (std::int64_t at = 0; at < n * n; at += kLanes) {
      store(bias_gradient + at, load(bias_gradient + at) + load(m.ds + at));
    }
  }
  sum_over_queries(size, m.p, m.go_rows, padded, m.gv);
  sum_over_queries(size, m.ds, m.q_rows, padded, m.gk);
  T* gradient = to.qkv + cell.image_row * cell.stride + cell.column;
  for (std::int64_t i = 0; i < n; ++i) {
    T* row = gradient + cell.place[i] * cell.stride;
    for (std::int64_t c = 0; c < d; ++c) {
      row[c] = from_float<T>(m.gq[c * n + i]);
      row[cell.width + c] = from_float<T>(m.gk[i * padded + c]);
      row[2 * cell.width + c] = from_float<T>(m.gv[i * padded + c]);
    }
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
  auto* scratch = new Scratch;  // Too large for a thread's stack.
  for (std::int64_t head = begin; head < end; ++head) {
    float* bias = to.bias == nullptr ? nullptr : to.bias + head * size.n() * size.n();
    for (std::int64_t at = 0; at < in.shape.images * in.shape.windows; ++at) {
      backward_cell(size, in, to, Cell<T>(in, at / in.shape.windows, at % in.shape.windows, head),
                    bias, *scratch);
    }
  }
  delete scratch;
}

/// Calls `Run<D, N>` for the paper's sizes, and the general one for every other.
#define REPRISE_FOR_SIZE(RUN, IN, ...)                                                            \
  if ((IN).shape.tokens == 64 && (IN).shape.head_size == 10) return RUN<10, 64>(IN, __VA_ARGS__); \
  if ((IN).shape.tokens == 64 && (IN).shape.head_size == 15) return RUN<15, 64>(IN, __VA_ARGS__); \
  if ((IN).shape.tokens == 64 && (IN).shape.head_size == 20) return RUN<20, 64>(IN, __VA_ARGS__); \
  if ((IN).shape.tokens == 64 && (IN).shape.head_size == 30) return RUN<30, 64>(IN, __VA_ARGS__); \
  return RUN<0, 0>(IN, __VA_ARGS__)

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
