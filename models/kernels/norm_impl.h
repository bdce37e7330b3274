#pragma once
/// Layer norm of rows that fit the first-level cache (see simd.h).

#include "models/kernels/kernel_set.h"
#include "models/kernels/simd.h"

namespace reprise::models::kernels {
namespace {

REPRISE_INLINE float sum_of_lanes(Vec values) {
  float part[kLanes];
  store(part, values);
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::int64_t lane = 0; lane < half; ++lane) part[lane] += part[lane + half];
  }
  return part[0];
}

/// A row as vectors. The last one ends with the row; `fresh` is 1 in its lanes that belong to no
/// vector before it, 0 in the others.
struct RowShape {
  explicit RowShape(std::int64_t width) : last(width - kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      fresh[lane] = width % kLanes == 0 || lane >= kLanes - width % kLanes ? 1.0F : 0.0F;
  }
  std::int64_t last;
  alignas(64) float fresh[kLanes];
};

/// `Rows` rows at once: each waits for its sums, and they wait together.
template <int Rows>
REPRISE_INLINE void norm_some(const NormInput& in, const RowShape& shape, const float* x,
                              float* out) {
  const std::int64_t width = in.width;
  const float share = 1.0F / static_cast<float>(width);
  const Vec fresh = load(shape.fresh);
  Vec sums[Rows] = {};
  float mean[Rows], factor[Rows];
  for (std::int64_t c = 0; c < shape.last; c += kLanes) {
    for (int r = 0; r < Rows; ++r) sums[r] += load(x + r * width + c);
  }
  for (int r = 0; r < Rows; ++r) {
    mean[r] = sum_of_lanes(sums[r] + load(x + r * width + shape.last) * fresh) * share;
    sums[r] = Vec{};
  }
  for (std::int64_t c = 0; c < shape.last; c += kLanes) {
    for (int r = 0; r < Rows; ++r) {
      const Vec centred = load(x + r * width + c) - mean[r];
      sums[r] += centred * centred;
    }
  }
  for (int r = 0; r < Rows; ++r) {
    const Vec centred = (load(x + r * width + shape.last) - mean[r]) * fresh;
    const float variance = sum_of_lanes(sums[r] + centred * centred) * share;
    factor[r] = 1.0F / __builtin_sqrtf(variance + in.epsilon);
  }
  const auto write = [&](std::int64_t c) {
    const Vec gain = load(in.gain + c), shift = load(in.shift + c);
    for (int r = 0; r < Rows; ++r) {
      store(out + r * width + c, (load(x + r * width + c) - mean[r]) * factor[r] * gain + shift);
    }
  };
  for (std::int64_t c = 0; c < shape.last; c += kLanes) write(c);
  write(shape.last);
}

/// A row of fewer numbers than a vector has.
inline void norm_short(const NormInput& in, const float* x, float* out) {
  const auto width = static_cast<float>(in.width);
  float mean = 0, squares = 0;
  for (std::int64_t c = 0; c < in.width; ++c) mean += x[c] / width;
  for (std::int64_t c = 0; c < in.width; ++c) squares += (x[c] - mean) * (x[c] - mean);
  const float factor = 1.0F / __builtin_sqrtf(squares / width + in.epsilon);
  for (std::int64_t c = 0; c < in.width; ++c)
    out[c] = (x[c] - mean) * factor * in.gain[c] + in.shift[c];
}

inline void norm_rows(const NormInput& in, float* out, std::int64_t begin, std::int64_t end) {
  constexpr int kRows = 4;
  const RowShape shape(in.width);
  std::int64_t row = begin;
  for (; in.width >= kLanes && row + kRows <= end; row += kRows)
    norm_some<kRows>(in, shape, in.x + row * in.width, out + row * in.width);
  for (; row < end; ++row) {
    const float* x = in.x + row * in.width;
    float* to = out + row * in.width;
    if (in.width >= kLanes)
      norm_some<1>(in, shape, x, to);
    else
      norm_short(in, x, to);
  }
}

}  // namespace
}  // namespace reprise::models::kernels
