#pragma once
/// out[n][k] = sum over t of a[t][n] * b[t][k]: the gradient of a linear layer's weights. Long sums
/// of short rows, a shape that libraries made for square products do slowly. Compiled once an
/// instruction set (see simd.h).

#include "models/kernels/simd.h"

namespace reprise::models::kernels {
namespace {

constexpr std::int64_t kTileRows = 8;  ///< Of out, held in registers with `V` vectors each.

/// One tile: rows [n, n + R), columns [k, k + V * lanes) of which the last vector holds `rest`.
template <int R, int V>
REPRISE_INLINE void tile(const float* a, std::int64_t a_width, const float* b, std::int64_t b_width,
                         std::int64_t count, float* out, std::int64_t rest, bool adds) {
  Vec sum[R][V] = {};
  const bool is_whole = rest == kLanes;
  for (std::int64_t t = 0; t < count; ++t) {
    Vec row[V];
    for (int v = 0; v + 1 < V; ++v) row[v] = load(b + v * kLanes);
    // The last rows' vectors could reach past the end of memory.
    if (is_whole || rest + (count - t - 1) * b_width >= kLanes) {
      row[V - 1] = load(b + (V - 1) * kLanes);
    } else {
      row[V - 1] = Vec{};
      for (std::int64_t c = 0; c < rest; ++c) row[V - 1][c] = b[(V - 1) * kLanes + c];
    }
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) sum[r][v] += a[r] * row[v];
    }
    a += a_width;
    b += b_width;
  }
  for (int r = 0; r < R; ++r) {
    float* to = out + r * b_width;
    for (int v = 0; v + 1 < V; ++v) {
      store(to + v * kLanes, adds ? load(to + v * kLanes) + sum[r][v] : sum[r][v]);
    }
    for (std::int64_t c = 0; c < rest; ++c) {
      float& value = to[(V - 1) * kLanes + c];
      value = adds ? value + sum[r][V - 1][c] : sum[r][V - 1][c];
    }
  }
}

/// Rows of a tile as a constant; `rows` is 1 to `kTileRows`.
template <int V>
REPRISE_INLINE void tile_of(std::int64_t rows, const float* a, std::int64_t a_width, const float* b,
                            std::int64_t b_width, std::int64_t count, float* out, std::int64_t rest,
                            bool adds) {
  if (rows == kTileRows) return tile<kTileRows, V>(a, a_width, b, b_width, count, out, rest, adds);
  for (std::int64_t r = 0; r < rows; ++r) {
    tile<1, V>(a + r, a_width, b, b_width, count, out + r * b_width, rest, adds);
  }
}

/// Sums are made of blocks of this many, so that rounding does not grow with the batch.
constexpr std::int64_t kBlock = 1024;

/// Rows [begin, end) of out [n, k], for one block of t.
REPRISE_INLINE void product_block(const float* a, std::int64_t n, const float* b, std::int64_t k,
                                  std::int64_t count, float* out, std::int64_t begin,
                                  std::int64_t end, bool adds) {
  for (std::int64_t row = begin; row < end; row += kTileRows) {
    const std::int64_t rows = end - row < kTileRows ? end - row : kTileRows;
    for (std::int64_t at = 0; at < k; at += 3 * kLanes) {
      const std::int64_t left = k - at;
      float* to = out + row * k + at;
      if (left >= 3 * kLanes) {
        tile_of<3>(rows, a + row, n, b + at, k, count, to, kLanes, adds);
      } else if (left > 2 * kLanes) {
        tile_of<3>(rows, a + row, n, b + at, k, count, to, left - 2 * kLanes, adds);
      } else if (left > kLanes) {
        tile_of<2>(rows, a + row, n, b + at, k, count, to, left - kLanes, adds);
      } else {
        tile_of<1>(rows, a + row, n, b + at, k, count, to, left, adds);
      }
    }
  }
}

void product_rows(const float* a, std::int64_t n, const float* b, std::int64_t k,
                  std::int64_t count, float* out, std::int64_t begin, std::int64_t end) {
  for (std::int64_t t = 0; t < count; t += kBlock) {
    const std::int64_t some = count - t < kBlock ? count - t : kBlock;
    product_block(a + t * n, n, b + t * k, k, some, out, begin, end, t > 0);
  }
}

}  // namespace
}  // namespace reprise::models::kernels
