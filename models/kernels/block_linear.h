#pragma once
/// A linear layer or 3x3 convolution for few rows, with what stands before and after it, as a block
/// of 256 threads computes it: 32 rows by 32 columns of
/// out = residual + gelu(norm(x) * weight^T + bias).
/// Inference of one image is a chain of several hundred small layers: what counts is how many, and
/// how long each waits for memory.

#include <cmath>
#include <cstdint>

#include "models/kernels/block.h"

namespace reprise::models::kernels {

struct LinearArguments {
  std::int64_t rows = 0;
  int inputs = 0, outputs = 0;
  const float* x = nullptr;       ///< [rows, inputs]; at a multiple of 16 bytes, as `weight`.
  const float* weight = nullptr;  ///< [taps, outputs, inputs]
  const float* bias = nullptr;    ///< [outputs]; null: none.
  const float* gain = nullptr;    ///< [inputs] of the layer norm; null: no norm.
  const float* shift = nullptr;   ///< [inputs], with `gain`.
  float epsilon = 0;              ///< Of the norm.
  bool gelu = false;
  const float* residual = nullptr;  ///< [rows, outputs]; null: none.
  float* out = nullptr;             ///< [rows, outputs]
  /// 1, or 9: a 3x3 convolution, padded by zeros. Rows are then pixels, line after line, image
  /// after image, of images of this size.
  int taps = 1, height = 0, width = 0;
  /// Above 1: each of so many blocks takes an equal share of the taps, and writes its product to
  /// `sums`; `linear_reduce` does the rest.
  int shares = 1;
  float* sums = nullptr;  ///< [shares, rows, outputs]
};

/// What a share of the taps computes.
REPRISE_BOTH LinearArguments linear_share_of(const LinearArguments& in, int share) {
  LinearArguments own = in;
  own.out = in.sums + share * in.rows * in.outputs;
  own.bias = own.residual = nullptr;
  own.gelu = false;
  return own;
}

/// One number of out from the shares' sums.
REPRISE_BOTH void linear_reduce(const LinearArguments& in, std::int64_t at) {
  const std::int64_t all = in.rows * in.outputs;
  if (at >= all) return;
  float value = in.bias == nullptr ? 0 : in.bias[at % in.outputs];
  for (int share = 0; share < in.shares; ++share) value += in.sums[share * all + at];
  in.out[at] = in.residual == nullptr ? value : in.residual[at] + value;
}

constexpr int kLinearThreads = 256;
constexpr int kLinearRows = 32;
constexpr int kLinearColumns = 32;
constexpr int kLinearShares = kLinearThreads / kLinearRows;  ///< Threads that norm a row.
constexpr int kLinearParts = 4;  ///< A quarter of the threads takes every fourth four inputs.
constexpr int kLinearInputsMost = 512;

/// Floats from one row of a tile to the next: whole 16 bytes, and neighbouring rows 4 banks apart.
REPRISE_BOTH int linear_pitch(int inputs) { return (inputs + 27) / 32 * 32 + 4; }

/// Floats of shared memory.
REPRISE_BOTH int linear_shared(int inputs) {
  return (kLinearRows + kLinearColumns) * linear_pitch(inputs) + 2 * kLinearRows * kLinearShares +
         kLinearParts * kLinearRows * kLinearColumns;
}

struct LinearShared {
  REPRISE_BOTH LinearShared(float* memory, int inputs)
      : pitch(linear_pitch(inputs)),
        x(memory),
        weight(x + kLinearRows * pitch),
        sum(weight + kLinearColumns * pitch),
        square(sum + kLinearRows * kLinearShares),
        product(square + kLinearRows * kLinearShares) {}
  int pitch;
  float *x, *weight;    ///< [32][pitch], zeros behind the inputs and beyond the matrix.
  float *sum, *square;  ///< [32][8]: of a thread's share of a row.
  float* product;       ///< [4][32][32]: of the parts of the inputs.
};

/// A thread's tile of the product: 4 rows by 4 columns, 8 apart so that a warp reads all banks.
constexpr int kLinearTileRows = 4;
constexpr int kLinearTileColumns = 4;
constexpr int kLinearApart = kLinearColumns / kLinearTileColumns;

struct LinearThread {
  REPRISE_BOTH LinearThread(int t, std::int64_t row_block, int column_block)
      : index(t), first_row(row_block * kLinearRows), first_column(column_block * kLinearColumns) {}
  int index;
  std::int64_t first_row;
  int first_column;
  float sum[kLinearTileRows][kLinearTileColumns] = {};
};

/// W numbers that are read and written at once.
template <int W>
struct alignas(W * sizeof(float)) Few {
  float v[W];
};

/// The row of `x` that a tap of the output row reads; negative: none, outside of the image.
REPRISE_BOTH std::int64_t linear_source(const LinearArguments& in, std::int64_t row, int tap) {
  if (row >= in.rows) return -1;
  if (in.taps == 1) return row;
  const int pixel = static_cast<int>(row % (in.height * in.width));
  const int y = pixel / in.width + tap / 3 - 1, x = pixel % in.width + tap % 3 - 1;
  if (y < 0 || y >= in.height || x < 0 || x >= in.width) return -1;
  return row - pixel + y * in.width + x;
}

/// Both tiles; a warp of 32 threads takes every eighth row and reads W numbers a thread, all its
/// rows before it writes the first, so that it waits for memory once a column and not once a row.
/// Needs inputs to be a multiple of W.
template <int W>
REPRISE_BOTH void linear_load_tiles(const LinearArguments& in, const LinearThread& t, int tap,
                                    const LinearShared& shared) {
  constexpr int kWarp = 32, kWarps = kLinearThreads / kWarp, kEach = kLinearRows / kWarps;
  const int used = (in.inputs + kFour - 1) / kFour * kFour;
  const int first = t.index / kWarp;
  const float* of_tap = in.weight + static_cast<std::int64_t>(tap) * in.outputs * in.inputs;
  const float* from_x[kEach];
  const float* from_weight[kEach];
  for (int i = 0; i < kEach; ++i) {
    const int row = first + i * kWarps, column = t.first_column + row;
    const std::int64_t source = linear_source(in, t.first_row + row, tap);
    from_x[i] = source < 0 ? nullptr : in.x + source * in.inputs;
    from_weight[i] = column < in.outputs ? of_tap + column * in.inputs : nullptr;
  }
  for (int c = t.index % kWarp * W; c < used; c += kWarp * W) {
    Few<W> x[kEach] = {}, weight[kEach] = {};
    for (int i = 0; i < kEach; ++i) {
      if (c >= in.inputs) continue;
      if (from_x[i] != nullptr) x[i] = *reinterpret_cast<const Few<W>*>(from_x[i] + c);
      if (from_weight[i] != nullptr) {
        weight[i] = *reinterpret_cast<const Few<W>*>(from_weight[i] + c);
      }
    }
    for (int i = 0; i < kEach; ++i) {
      const int at = (first + i * kWarps) * shared.pitch + c;
      *reinterpret_cast<Few<W>*>(shared.x + at) = x[i];
      *reinterpret_cast<Few<W>*>(shared.weight + at) = weight[i];
    }
  }
}

/// Phase 1, once a tap.
REPRISE_BOTH void linear_load(const LinearArguments& in, const LinearThread& t, int tap,
                              const LinearShared& shared) {
  static_assert(kLinearRows == kLinearColumns);
  if (in.inputs % 4 == 0) {
    linear_load_tiles<4>(in, t, tap, shared);
  } else if (in.inputs % 2 == 0) {
    linear_load_tiles<2>(in, t, tap, shared);
  } else {
    linear_load_tiles<1>(in, t, tap, shared);
  }
}

REPRISE_BOTH float linear_total(const float* shares, int row) {
  float total = 0;
  for (int at = 0; at < kLinearShares; ++at) total += shares[row * kLinearShares + at];
  return total;
}

/// Calls work(c, four numbers of the thread's row from input c on).
template <typename Work>
REPRISE_BOTH void linear_each_four(const LinearArguments& in, const LinearThread& t,
                                   const LinearShared& shared, Work work) {
  float* row = shared.x + t.index / kLinearShares * shared.pitch;
  for (int c = t.index % kLinearShares * kFour; c < in.inputs; c += kLinearShares * kFour) {
    work(c, four_at(row + c));
  }
}

/// Phase 2, with a norm: sums of rows. Behind the inputs there are zeros.
REPRISE_BOTH void linear_sums(const LinearArguments& in, const LinearThread& t,
                              const LinearShared& shared) {
  float sum = 0;
  linear_each_four(in, t, shared, [&](int, const Four& x) {
    for (const float value : x.v) sum += value;
  });
  shared.sum[t.index] = sum;
}

/// Phase 3, with a norm: sums of squared distances from the mean.
REPRISE_BOTH void linear_squares(const LinearArguments& in, const LinearThread& t,
                                 const LinearShared& shared) {
  const float mean =
      linear_total(shared.sum, t.index / kLinearShares) / static_cast<float>(in.inputs);
  float square = 0;
  linear_each_four(in, t, shared, [&](int c, const Four& x) {
    for (int at = 0; at < kFour; ++at) {
      const float distance = c + at < in.inputs ? x.v[at] - mean : 0;
      square += distance * distance;
    }
  });
  shared.square[t.index] = square;
}

/// Phase 4, with a norm.
REPRISE_BOTH void linear_norm(const LinearArguments& in, const LinearThread& t,
                              const LinearShared& shared) {
  const int row = t.index / kLinearShares;
  const auto count = static_cast<float>(in.inputs);
  const float mean = linear_total(shared.sum, row) / count;
  const float factor = 1 / std::sqrt(linear_total(shared.square, row) / count + in.epsilon);
  linear_each_four(in, t, shared, [&](int c, Four& x) {
    for (int at = 0; at < kFour; ++at) {
      if (c + at < in.inputs)
        x.v[at] = (x.v[at] - mean) * factor * in.gain[c + at] + in.shift[c + at];
    }
  });
}

/// Phase 5, once a tap.
REPRISE_BOTH void linear_multiply(const LinearArguments& in, LinearThread& t,
                                  const LinearShared& shared) {
  constexpr int kOfPart = kLinearThreads / kLinearParts;
  const int part = t.index / kOfPart, tile = t.index % kOfPart;
  const float* x_rows = shared.x + tile / kLinearApart * kLinearTileRows * shared.pitch;
  const float* weight_rows = shared.weight + tile % kLinearApart * shared.pitch;
  for (int c = part * kFour; c < in.inputs; c += kLinearParts * kFour) {
    Four x[kLinearTileRows], weight[kLinearTileColumns];
    for (int i = 0; i < kLinearTileRows; ++i) x[i] = four_at(x_rows + i * shared.pitch + c);
    for (int j = 0; j < kLinearTileColumns; ++j) {
      weight[j] = four_at(weight_rows + j * kLinearApart * shared.pitch + c);
    }
    for (int i = 0; i < kLinearTileRows; ++i) {
      for (int j = 0; j < kLinearTileColumns; ++j) {
        for (int at = 0; at < kFour; ++at) t.sum[i][j] += x[i].v[at] * weight[j].v[at];
      }
    }
  }
}

/// Phase 6: the tile for the other parts to see.
REPRISE_BOTH void linear_share(const LinearThread& t, const LinearShared& shared) {
  constexpr int kOfPart = kLinearThreads / kLinearParts;
  const int part = t.index / kOfPart, tile = t.index % kOfPart;
  const int row = part * kLinearRows + tile / kLinearApart * kLinearTileRows;
  for (int i = 0; i < kLinearTileRows; ++i) {
    for (int j = 0; j < kLinearTileColumns; ++j) {
      shared.product[(row + i) * kLinearColumns + tile % kLinearApart + j * kLinearApart] =
          t.sum[i][j];
    }
  }
}

/// Phase 7: four neighbouring columns of a row.
REPRISE_BOTH void linear_out(const LinearArguments& in, const LinearThread& t,
                             const LinearShared& shared) {
  const int row = t.index / kLinearShares, column = t.index % kLinearShares * kFour;
  const std::int64_t to_row = t.first_row + row;
  if (to_row >= in.rows) return;
  const float* of_row = shared.product + row * kLinearColumns + column;
  for (int at = 0; at < kFour; ++at) {
    const int to_column = t.first_column + column + at;
    if (to_column >= in.outputs) continue;
    float value = 0;
    for (int part = 0; part < kLinearParts; ++part) {
      value += of_row[part * kLinearRows * kLinearColumns + at];
    }
    if (in.bias != nullptr) value += in.bias[to_column];
    if (in.gelu) value *= 0.5F * (1 + std::erf(value * 0.70710678118654752440F));
    const std::int64_t to = to_row * in.outputs + to_column;
    in.out[to] = in.residual == nullptr ? value : in.residual[to] + value;
  }
}

}  // namespace reprise::models::kernels
