#include "worker/frechet.h"

#include <cmath>

#include "sweep/error.h"

namespace reprise::worker {

double frechet_distance(const torch::Tensor& a, const torch::Tensor& b) {
  REPRISE_CHECK(a.dim() == 2 && b.dim() == 2 && a.size(0) > 1 && b.size(0) > 1);
  const auto x = a.to(torch::kCPU, torch::kFloat64);
  const auto y = b.to(torch::kCPU, torch::kFloat64);
  const auto mean_x = x.mean(0);
  const auto mean_y = y.mean(0);
  const auto rows_x = (x - mean_x) / std::sqrt(static_cast<double>(x.size(0) - 1));
  const auto rows_y = (y - mean_y) / std::sqrt(static_cast<double>(y.size(0) - 1));
  const auto cross = torch::linalg_svdvals(torch::matmul(rows_x, rows_y.t()));
  const auto distance = (mean_x - mean_y).square().sum() + rows_x.square().sum() +
                        rows_y.square().sum() - 2 * cross.sum();
  return distance.item<double>();
}

}  // namespace reprise::worker
