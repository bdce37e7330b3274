#include "worker/resample.h"

#include <algorithm>
#include <cmath>

#include "sweep/error.h"

namespace reprise::worker {
namespace {

double cubic(double distance) {
  constexpr double a = -0.75;
  const double x = std::abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

}  // namespace

torch::Tensor resample_matrix(int64_t out, int64_t in) {
  auto matrix = torch::zeros({out, in}, torch::kFloat64);
  auto weights = matrix.accessor<double, 2>();
  const double step = static_cast<double>(in) / static_cast<double>(out);
  for (int64_t row = 0; row < out; ++row) {
    const double at = (static_cast<double>(row) + 0.5) * step - 0.5;
    const auto first = static_cast<int64_t>(std::floor(at)) - 1;
    for (int64_t tap = first; tap < first + 4; ++tap) {
      const int64_t column = std::clamp<int64_t>(tap, 0, in - 1);
      weights[row][column] += cubic(at - static_cast<double>(tap));
    }
  }
  return matrix.to(torch::kFloat32);
}

torch::Tensor resample(const torch::Tensor& images, int64_t rows, int64_t columns) {
  const auto down = resample_matrix(rows, images.size(-2)).to(images.device());
  const auto across = resample_matrix(columns, images.size(-1)).to(images.device());
  return torch::matmul(down, torch::matmul(images, across.t()));
}

torch::Tensor degrade(const torch::Tensor& images, int64_t scale) {
  if (images.size(-2) % scale != 0 || images.size(-1) % scale != 0) {
    throw_invalid("image of " + std::to_string(images.size(-2)) + "x" +
                  std::to_string(images.size(-1)) + " is no multiple of scale " +
                  std::to_string(scale) + ": crop the data set to multiples");
  }
  return resample(images, images.size(-2) / scale, images.size(-1) / scale);
}

}  // namespace reprise::worker
