#pragma once
/// What the forward and the backward pass of window attention are made of (see simd.h).

#include "models/kernels/kernel_set.h"
#include "models/kernels/simd.h"

namespace reprise::models::kernels {
namespace {

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

/// Queries are worked on in groups of vectors: a number read for one of them is used for all, and
/// the sums of a group fit the registers (32 with AVX-512, else 16).
constexpr int kVectors = kLanes == 16 ? 1 : 2;
constexpr std::int64_t kGroup = kVectors * kLanes;

/// One number for each query of a group.
struct Group {
  Vec part[kVectors];
};

REPRISE_INLINE Group load_group(const float* from) {
  Group group;
  for (int p = 0; p < kVectors; ++p) group.part[p] = load(from + p * kLanes);
  return group;
}

REPRISE_INLINE void store_group(float* to, const Group& group) {
  for (int p = 0; p < kVectors; ++p) store(to + p * kLanes, group.part[p]);
}

/// sum += factor * by.
REPRISE_INLINE void add_product(Group& sum, float factor, const Group& by) {
  for (int p = 0; p < kVectors; ++p) sum.part[p] += factor * by.part[p];
}

/// sums[u] += sum over c of rows[u][c] * columns[c][query], for four keys u.
template <int D, int N>
REPRISE_INLINE void add_dots(Sizes<D, N> size, const float* rows, const float* columns,
                             Group* sums) {
  const std::int64_t n = size.n(), d = size.d();
  for (std::int64_t c = 0; c < d; ++c) {
    const Group column = load_group(columns + c * n);
    for (int u = 0; u < 4; ++u) add_product(sums[u], rows[u * d + c], column);
  }
}

/// Logits of four keys against a group of queries: bias + mask + sum over c of k[key][c] *
/// q[c][query].
template <int D, int N>
REPRISE_INLINE void logits(Sizes<D, N> size, const float* keys, const float* q_group,
                           const float* bias, const float* mask, Group* out) {
  const std::int64_t n = size.n();
  for (int u = 0; u < 4; ++u) {
    out[u] = load_group(bias + u * n);
    if (mask == nullptr) continue;
    for (int p = 0; p < kVectors; ++p) out[u].part[p] += load(mask + u * n + p * kLanes);
  }
  add_dots(size, keys, q_group, out);
}

/// to[c][query] = sum over keys j of rows[j][c] * weights[j][query] for `Columns` columns.
/// `stride`: from one key's weights to the next's, and from one column of `to` to the next.
template <int Columns, int D, int N>
REPRISE_INLINE void weigh_columns(Sizes<D, N> size, const float* rows, const float* weights,
                                  std::int64_t stride, float* to) {
  Group sums[Columns] = {};
  for (std::int64_t j = 0; j < size.n(); ++j) {
    const Group weight = load_group(weights + j * stride);
    for (int c = 0; c < Columns; ++c) add_product(sums[c], rows[j * size.d() + c], weight);
  }
  for (int c = 0; c < Columns; ++c) store_group(to + c * stride, sums[c]);
}

/// As above, for all columns of a head: as many at a time as registers hold.
template <int D, int N>
REPRISE_INLINE void weigh(Sizes<D, N> size, const float* rows, const float* weights,
                          std::int64_t stride, float* to) {
  constexpr int kAtOnce = D > 0 && kLanes == 16 ? D : 5;
  std::int64_t c = 0;
  for (; c + kAtOnce <= size.d(); c += kAtOnce)
    weigh_columns<kAtOnce>(size, rows + c, weights, stride, to + c * stride);
  for (; c < size.d(); ++c) weigh_columns<1>(size, rows + c, weights, stride, to + c * stride);
}

}  // namespace
}  // namespace reprise::models::kernels
