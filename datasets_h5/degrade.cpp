#include "datasets_h5/degrade.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "sweep/error.h"

namespace reprise::datasets {
namespace {

/// The four source pixels of an output pixel along one axis, and their weights.
struct Taps {
  std::array<int, 4> index;
  std::array<double, 4> weight;
};

std::vector<Taps> axis_taps(int side, int side_out) {
  constexpr double a = -0.75;
  const double ratio = static_cast<double>(side) / side_out;
  std::vector<Taps> taps(static_cast<std::size_t>(side_out));
  for (int i = 0; i < side_out; ++i) {
    const double position = (i + 0.5) * ratio - 0.5;
    const double base = std::floor(position);
    const double t = position - base;
    Taps& tap = taps[static_cast<std::size_t>(i)];
    const double u = 1 - t;
    tap.weight[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    tap.weight[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    tap.weight[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
    tap.weight[3] = 1 - tap.weight[0] - tap.weight[1] - tap.weight[2];
    for (int k = 0; k < 4; ++k) {
      tap.index[static_cast<std::size_t>(k)] =
          std::clamp(static_cast<int>(base) - 1 + k, 0, side - 1);
    }
  }
  return taps;
}

}  // namespace

std::vector<float> bicubic_resize(std::span<const float> images, int channels, int height,
                                  int width, int height_out, int width_out) {
  if (channels < 1 || height < 1 || width < 1 || height_out < 1 || width_out < 1 ||
      images.size() != static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
                           static_cast<std::size_t>(width)) {
    throw_invalid("bicubic_resize: sides must be positive and match the number of pixels");
  }
  const std::vector<Taps> rows = axis_taps(height, height_out);
  const std::vector<Taps> columns = axis_taps(width, width_out);
  const auto w = static_cast<std::size_t>(width);
  const auto w_out = static_cast<std::size_t>(width_out);
  std::vector<double> narrow(static_cast<std::size_t>(height) * w_out);
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(channels) * rows.size() * w_out);
  for (int c = 0; c < channels; ++c) {
    const float* image = images.data() + static_cast<std::size_t>(c) * height * w;
    for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
      for (std::size_t x = 0; x < w_out; ++x) {
        double sum = 0;
        for (std::size_t k = 0; k < 4; ++k) {
          sum += columns[x].weight[k] * image[y * w + columns[x].index[k]];
        }
        narrow[y * w_out + x] = sum;
      }
    }
    for (const Taps& row : rows) {
      for (std::size_t x = 0; x < w_out; ++x) {
        double sum = 0;
        for (std::size_t k = 0; k < 4; ++k) sum += row.weight[k] * narrow[row.index[k] * w_out + x];
        out.push_back(static_cast<float>(sum));
      }
    }
  }
  return out;
}

}  // namespace reprise::datasets
