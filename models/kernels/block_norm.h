#pragma once
/// Layer norm over rows, its backward pass, and sums of columns, as blocks of threads compute them.
/// LibTorch's kernels for these are made for long rows; a token has 60 to 240 numbers, and there
/// the norms took a third of a training step. Sums are added in a fixed order.

#include <cmath>
#include <cstdint>

#include "models/kernels/block.h"

namespace reprise::models::kernels {

struct NormArguments {
  std::int64_t rows = 0;
  int width = 0;                 ///< At most kNormWidthMost.
  const float* x = nullptr;      ///< [rows, width]
  const float* gain = nullptr;   ///< [width]
  const float* shift = nullptr;  ///< [width], forward.
  float epsilon = 0;
  float* out = nullptr;    ///< Forward: [rows, width]
  float* stats = nullptr;  ///< [rows, 2]: mean and 1 / deviation; forward, null: not wanted.
  const float* out_gradient = nullptr;  ///< Backward: [rows, width]
  float* x_gradient = nullptr;          ///< [rows, width]
  float* parts = nullptr;  ///< [chunks, 2, width]: gradients of gain and shift, to be summed.
  std::int64_t chunks = 1;
};

constexpr int kNormLanes = 32;  ///< Threads of a row.
constexpr int kNormRows = 8;    ///< At once.
constexpr int kNormThreads = kNormLanes * kNormRows;
constexpr int kNormEach = 8;  ///< Numbers of a thread.
constexpr int kNormWidthMost = kNormLanes * kNormEach;

/// [row][lane] each.
struct NormShared {
  alignas(16) float a[kNormRows][kNormLanes];
  alignas(16) float b[kNormRows][kNormLanes];
  float gain[kNormRows][kNormWidthMost];  ///< Backward, at the end.
  float shift[kNormRows][kNormWidthMost];
};

struct NormThread {
  REPRISE_BOTH explicit NormThread(int t) : slot(t / kNormLanes), lane(t % kNormLanes) {}
  int slot, lane;
  float x[kNormEach] = {};      ///< Forward: the row. Backward: the row, normed.
  float dx[kNormEach] = {};     ///< Backward: gradient of the normed row.
  float dgain[kNormEach] = {};  ///< Backward: the chunk's sums.
  float dshift[kNormEach] = {};
};

/// Calls work(i, column) for a thread's numbers.
template <typename Work>
REPRISE_BOTH void norm_each(const NormArguments& in, const NormThread& t, Work work) {
  for (int i = 0; i < kNormEach; ++i) {
    const int column = t.lane + i * kNormLanes;
    if (column < in.width) work(i, column);
  }
}

REPRISE_BOTH float norm_total(const float (&of_row)[kNormLanes]) {
  float total = 0;
  for (int at = 0; at < kNormLanes; at += kFour) {
    const Four& four = four_at(of_row + at);
    total += (four.v[0] + four.v[1]) + (four.v[2] + four.v[3]);
  }
  return total;
}

/// Forward, phase 1 of 3, of the rows from `first` on.
REPRISE_BOTH void norm_load(const NormArguments& in, std::int64_t first, NormThread& t,
                            NormShared& shared) {
  const std::int64_t row = first + t.slot;
  float sum = 0;
  if (row < in.rows) {
    norm_each(in, t, [&](int i, int column) { t.x[i] = in.x[row * in.width + column]; });
    norm_each(in, t, [&](int i, int) { sum += t.x[i]; });
  }
  shared.a[t.slot][t.lane] = sum;
}

/// Forward, phase 2.
REPRISE_BOTH void norm_squares(const NormArguments& in, NormThread& t, NormShared& shared) {
  const float mean = norm_total(shared.a[t.slot]) / static_cast<float>(in.width);
  float sum = 0;
  norm_each(in, t, [&](int i, int) { sum += (t.x[i] - mean) * (t.x[i] - mean); });
  shared.b[t.slot][t.lane] = sum;
}

/// Forward, phase 3.
REPRISE_BOTH void norm_out(const NormArguments& in, std::int64_t first, const NormThread& t,
                           const NormShared& shared) {
  const std::int64_t row = first + t.slot;
  if (row >= in.rows) return;
  const auto count = static_cast<float>(in.width);
  const float mean = norm_total(shared.a[t.slot]) / count;
  const float factor = 1 / std::sqrt(norm_total(shared.b[t.slot]) / count + in.epsilon);
  norm_each(in, t, [&](int i, int column) {
    in.out[row * in.width + column] = (t.x[i] - mean) * factor * in.gain[column] + in.shift[column];
  });
  if (t.lane == 0 && in.stats != nullptr) {
    in.stats[2 * row] = mean;
    in.stats[2 * row + 1] = factor;
  }
}

/// Backward, phase 1 of 2, of the rows from `first` on; `end`: of the chunk.
REPRISE_BOTH void norm_gradients(const NormArguments& in, std::int64_t first, std::int64_t end,
                                 NormThread& t, NormShared& shared) {
  const std::int64_t row = first + t.slot;
  float sum = 0, along = 0;
  if (row < end) {
    const float mean = in.stats[2 * row], factor = in.stats[2 * row + 1];
    norm_each(in, t, [&](int i, int column) {
      t.x[i] = (in.x[row * in.width + column] - mean) * factor;
      t.dx[i] = in.out_gradient[row * in.width + column];
    });
    norm_each(in, t, [&](int i, int column) {
      t.dgain[i] += t.dx[i] * t.x[i];
      t.dshift[i] += t.dx[i];
      t.dx[i] *= in.gain[column];
      sum += t.dx[i];
      along += t.dx[i] * t.x[i];
    });
  }
  shared.a[t.slot][t.lane] = sum;
  shared.b[t.slot][t.lane] = along;
}

/// Backward, phase 2.
REPRISE_BOTH void norm_back(const NormArguments& in, std::int64_t first, std::int64_t end,
                            const NormThread& t, const NormShared& shared) {
  const std::int64_t row = first + t.slot;
  if (row >= end) return;
  const float share = 1 / static_cast<float>(in.width);
  const float mean = norm_total(shared.a[t.slot]) * share;
  const float along = norm_total(shared.b[t.slot]) * share;
  const float factor = in.stats[2 * row + 1];
  norm_each(in, t, [&](int i, int column) {
    in.x_gradient[row * in.width + column] = factor * (t.dx[i] - mean - t.x[i] * along);
  });
}

/// Backward, at the end of a chunk: its sums, for phase `norm_parts` to add up.
REPRISE_BOTH void norm_share(const NormArguments& in, const NormThread& t, NormShared& shared) {
  norm_each(in, t, [&](int i, int column) {
    shared.gain[t.slot][column] = t.dgain[i];
    shared.shift[t.slot][column] = t.dshift[i];
  });
}

REPRISE_BOTH void norm_parts(const NormArguments& in, std::int64_t chunk, const NormThread& t,
                             const NormShared& shared) {
  float* part = in.parts + chunk * 2 * in.width;
  for (int c = t.slot * kNormLanes + t.lane; c < in.width; c += kNormThreads) {
    float gain = 0, shift = 0;
    for (int row = 0; row < kNormRows; ++row) {
      gain += shared.gain[row][c];
      shift += shared.shift[row][c];
    }
    part[c] = gain;
    part[in.width + c] = shift;
  }
}

/// The first row of a chunk.
REPRISE_BOTH std::int64_t norm_begin(const NormArguments& in, std::int64_t chunk) {
  return in.rows * chunk / in.chunks;
}

struct ColumnArguments {
  std::int64_t rows = 0, width = 0;
  const float* x = nullptr;  ///< [rows, width]
  float* out = nullptr;      ///< [chunks, width]: sums of equal parts of the rows.
  std::int64_t chunks = 1;
};

constexpr int kColumns = 32;      ///< Of a block.
constexpr int kColumnLanes = 16;  ///< Threads of a column.
constexpr int kColumnThreads = kColumns * kColumnLanes;

/// [lane][column]
using ColumnShared = float[kColumnLanes][kColumns];

/// Phase 1 of 2: thread `t` of the block of columns from `first` on.
REPRISE_BOTH void column_sums(const ColumnArguments& in, std::int64_t first, std::int64_t chunk,
                              int t, ColumnShared& shared) {
  const int lane = t / kColumns;
  const std::int64_t column = first + t % kColumns;
  const std::int64_t end = in.rows * (chunk + 1) / in.chunks;
  float sum = 0;
  if (column < in.width) {
    for (std::int64_t row = in.rows * chunk / in.chunks + lane; row < end; row += kColumnLanes) {
      sum += in.x[row * in.width + column];
    }
  }
  shared[lane][t % kColumns] = sum;
}

/// Phase 2.
REPRISE_BOTH void column_out(const ColumnArguments& in, std::int64_t first, std::int64_t chunk,
                             int t, const ColumnShared& shared) {
  if (t >= kColumns || first + t >= in.width) return;
  float sum = 0;
  for (int lane = 0; lane < kColumnLanes; ++lane) sum += shared[lane][t];
  in.out[chunk * in.width + first + t] = sum;
}

}  // namespace reprise::models::kernels
