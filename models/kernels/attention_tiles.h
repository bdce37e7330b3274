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

/// Calls `Run<D, N>` for the paper's sizes, and the general one for every other.
#define REPRISE_FOR_SIZE(RUN, IN, ...)                                                            \
  if ((IN).shape.tokens == 64 && (IN).shape.head_size == 10) return RUN<10, 64>(IN, __VA_ARGS__); \
  if ((IN).shape.tokens == 64 && (IN).shape.head_size == 15) return RUN<15, 64>(IN, __VA_ARGS__); \
  if ((IN).shape.tokens == 64 && (IN).shape.head_size == 20) return RUN<20, 64>(IN, __VA_ARGS__); \
  if ((IN).shape.tokens == 64 && (IN).shape.head_size == 30) return RUN<30, 64>(IN, __VA_ARGS__); \
  return RUN<0, 0>(IN, __VA_ARGS__)

/// Calls block(c) for blocks of as many columns as a vector has lanes that together are [0, count):
/// the last one may overlap the one before it. Fewer columns: single(c) for each.
template <typename Block, typename Single>
REPRISE_INLINE void for_columns(std::int64_t count, Block block, Single single) {
  std::int64_t c = 0;
  while (count >= kLanes && c < count) {
    const std::int64_t at = c + kLanes <= count ? c : count - kLanes;
    block(at);
    c = at + kLanes;
  }
  for (; c < count; ++c) single(c);
}

/// `count` numbers of a row.
template <typename From, typename To>
REPRISE_INLINE void copy_row(const From* from, std::int64_t count, To* to) {
  for_columns(
      count, [&](std::int64_t c) { store_as(to + c, load_as(from + c)); },
      [&](std::int64_t c) { to[c] = from_float<To>(to_float(from[c])); });
}

/// `count` columns of as many rows as a vector has lanes, at rows + place[i] * stride, times
/// `scale`: to [count][to_stride], a row a lane. `copies`: the same as rows [lanes][padded], or
/// null.
template <typename T>
REPRISE_INLINE void gather(const T* rows, std::int64_t stride, const std::int32_t* place,
                           std::int64_t count, float scale, float* to, std::int64_t to_stride,
                           float* copies = nullptr, std::int64_t padded = 0) {
  for_columns(
      count,
      [&](std::int64_t c) {
        Vec block[kLanes];
        for (std::int64_t i = 0; i < kLanes; ++i)
          block[i] = load_as(rows + place[i] * stride + c) * scale;
        for (std::int64_t i = 0; copies != nullptr && i < kLanes; ++i)
          store(copies + i * padded + c, block[i]);
        transpose(block);
        for (std::int64_t i = 0; i < kLanes; ++i) store(to + (c + i) * to_stride, block[i]);
      },
      [&](std::int64_t c) {
        for (std::int64_t i = 0; i < kLanes; ++i) {
          const float value = to_float(rows[place[i] * stride + c]) * scale;
          to[c * to_stride + i] = value;
          if (copies != nullptr) copies[i * padded + c] = value;
        }
      });
}

/// The other way: from [count][from_stride] to rows + place[i] * stride.
template <typename T>
REPRISE_INLINE void scatter(const float* from, std::int64_t from_stride, const std::int32_t* place,
                            std::int64_t count, float scale, T* rows, std::int64_t stride) {
  for_columns(
      count,
      [&](std::int64_t c) {
        Vec block[kLanes];
        for (std::int64_t i = 0; i < kLanes; ++i)
          block[i] = load(from + (c + i) * from_stride) * scale;
        transpose(block);
        for (std::int64_t i = 0; i < kLanes; ++i) store_as(rows + place[i] * stride + c, block[i]);
      },
      [&](std::int64_t c) {
        for (std::int64_t i = 0; i < kLanes; ++i)
          rows[place[i] * stride + c] = from_float<T>(from[c * from_stride + i] * scale);
      });
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

/// Keys or values of a window's tokens, of one head: where column c of token j is.
struct HeadRows {
  const float* data;
  std::int64_t token;   ///< From a token to the next of its block.
  std::int64_t column;  ///< From a column to the next.
  std::int64_t block;   ///< Tokens a block.
  std::int64_t next;    ///< From a block to the next.
};

/// sums[u] += sum over c of rows[u][c] * columns[c][query], for four keys u of one block. `stride`:
/// from one of `columns` to the next.
template <int D, int N>
REPRISE_INLINE void add_dots(Sizes<D, N> size, const HeadRows& rows, std::int64_t key,
                             const float* columns, std::int64_t stride, Group* sums) {
  const float* at = rows.data + key / rows.block * rows.next + key % rows.block * rows.token;
  for (std::int64_t c = 0; c < size.d(); ++c) {
    const Group column = load_group(columns + c * stride);
    for (int u = 0; u < 4; ++u) add_product(sums[u], at[u * rows.token + c * rows.column], column);
  }
}

/// Logits of four keys against a group of queries: bias + mask + sum over c of k[key][c] *
/// q[c][query]. `bias` and `mask` of the first key.
template <int D, int N>
REPRISE_INLINE void logits(Sizes<D, N> size, const HeadRows& keys, std::int64_t key,
                           const float* q_group, std::int64_t stride, const float* bias,
                           const float* mask, Group* out) {
  const std::int64_t n = size.n();
  for (int u = 0; u < 4; ++u) {
    out[u] = load_group(bias + u * n);
    if (mask == nullptr) continue;
    for (int p = 0; p < kVectors; ++p) out[u].part[p] += load(mask + u * n + p * kLanes);
  }
  add_dots(size, keys, key, q_group, stride, out);
}

/// to[c][query] = sum over keys j of rows[j][c] * weights[j][query] for `Columns` columns.
/// `stride`: from one key's weights to the next's, and from one column of `to` to the next.
template <int Columns, int D, int N>
REPRISE_INLINE void weigh_columns(Sizes<D, N> size, const HeadRows& rows, std::int64_t column,
                                  const float* weights, std::int64_t stride, float* to) {
  Group sums[Columns] = {};
  for (std::int64_t first = 0; first < size.n(); first += rows.block) {
    const float* at = rows.data + first / rows.block * rows.next + column * rows.column;
    for (std::int64_t j = 0; j < rows.block; ++j) {
      const Group weight = load_group(weights + (first + j) * stride);
      for (int c = 0; c < Columns; ++c)
        add_product(sums[c], at[j * rows.token + c * rows.column], weight);
    }
  }
  for (int c = 0; c < Columns; ++c) store_group(to + c * stride, sums[c]);
}

/// As above, for all columns of a head: as many at a time as registers hold.
template <int D, int N>
REPRISE_INLINE void weigh(Sizes<D, N> size, const HeadRows& rows, const float* weights,
                          std::int64_t stride, float* to) {
  constexpr int kAtOnce = D > 0 && kLanes == 16 ? D : 5;
  std::int64_t c = 0;
  for (; c + kAtOnce <= size.d(); c += kAtOnce)
    weigh_columns<kAtOnce>(size, rows, c, weights, stride, to + c * stride);
  for (; c < size.d(); ++c) weigh_columns<1>(size, rows, c, weights, stride, to + c * stride);
}

/// The softmax of one group of queries times the values.
///
/// `scores` [n][group] and `out` [d][group] are scratch and result; `largest` and `inverse`: the
/// largest logit and 1 / the sum of the powers.
template <int D, int N>
REPRISE_INLINE void attend(Sizes<D, N> size, const HeadRows& keys, const HeadRows& values,
                           const float* q_group, std::int64_t stride, const float* bias,
                           const float* mask, float* scores, float* out, Group& largest,
                           Group& inverse) {
  const std::int64_t n = size.n(), d = size.d();
  Group sum{};
  for (Vec& part : largest.part) part = splat(-3e38F);
  for (std::int64_t j = 0; j < n; j += 4) {
    Group a[4];
    logits(size, keys, j, q_group, stride, bias + j * n, mask == nullptr ? nullptr : mask + j * n,
           a);
    for (int u = 0; u < 4; ++u) {
      store_group(scores + (j + u) * kGroup, a[u]);
      for (int p = 0; p < kVectors; ++p) largest.part[p] = maximum(largest.part[p], a[u].part[p]);
    }
  }
  for (std::int64_t j = 0; j < n; ++j) {
    for (int p = 0; p < kVectors; ++p) {
      float* at = scores + j * kGroup + p * kLanes;
      const Vec power = exp_of_negative(load(at) - largest.part[p]);
      store(at, power);
      sum.part[p] += power;
    }
  }
  weigh(size, values, scores, kGroup, out);
  for (int p = 0; p < kVectors; ++p) inverse.part[p] = 1.0F / sum.part[p];
  for (std::int64_t c = 0; c < d; ++c) {
    for (int p = 0; p < kVectors; ++p) {
      float* at = out + c * kGroup + p * kLanes;
      store(at, load(at) * inverse.part[p]);
    }
  }
}

}  // namespace
}  // namespace reprise::models::kernels
