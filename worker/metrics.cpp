#include "worker/metrics.h"

#include <cmath>
#include <string>

#include "sweep/error.h"

namespace reprise::worker {
namespace {

/// [C,H,W] to float64 on the CPU without its border.
torch::Tensor cut(const torch::Tensor& image, int64_t border) {
  const int64_t rows = image.size(1) - 2 * border;
  const int64_t columns = image.size(2) - 2 * border;
  if (rows < 1 || columns < 1) {
    throw_invalid("image of " + std::to_string(image.size(1)) + "x" +
                  std::to_string(image.size(2)) + " vanishes when " + std::to_string(border) +
                  " pixels are cut from every side");
  }
  return image.narrow(1, border, rows).narrow(2, border, columns).to(torch::kCPU, torch::kFloat64);
}

}  // namespace

double psnr(const torch::Tensor& image, const torch::Tensor& truth, int64_t border) {
  const auto difference = cut(image, border) - cut(truth, border);
  return -10 * std::log10(difference.square().mean().item<double>());
}

double ssim(const torch::Tensor& image, const torch::Tensor& truth, int64_t border) {
  const int64_t window = 7;
  constexpr double kSample = 49.0 / 48.0;  // From population to sample covariance.
  constexpr double kC1 = 0.01 * 0.01;
  constexpr double kC2 = 0.03 * 0.03;
  const auto x = cut(image, border);
  const auto y = cut(truth, border);
  if (x.size(1) < window || x.size(2) < window) {
    throw_invalid("SSIM needs at least 7 pixels a side after the border is cut");
  }
  const auto mean = [&](const torch::Tensor& values) {
    return torch::avg_pool2d(values.unsqueeze(0), window, /*stride=*/1).squeeze(0);
  };
  const auto mean_x = mean(x);
  const auto mean_y = mean(y);
  const auto var_x = kSample * (mean(x * x) - mean_x * mean_x);
  const auto var_y = kSample * (mean(y * y) - mean_y * mean_y);
  const auto covariance = kSample * (mean(x * y) - mean_x * mean_y);
  const auto map = (2 * mean_x * mean_y + kC1) * (2 * covariance + kC2) /
                   ((mean_x * mean_x + mean_y * mean_y + kC1) * (var_x + var_y + kC2));
  return map.mean().item<double>();
}

double dice(const torch::Tensor& predicted, const torch::Tensor& truth, const LabelRegion& region) {
  constexpr double kSmooth = 1e-6;
  auto in_predicted = torch::zeros_like(predicted, torch::kBool);
  auto in_truth = torch::zeros_like(truth, torch::kBool);
  for (const int label : region.labels) {
    in_predicted |= predicted == label;
    in_truth |= truth == label;
  }
  auto both = in_predicted & in_truth;
  if (region.exact) both &= predicted == truth;
  const auto count = [](const torch::Tensor& mask) {
    return static_cast<double>(mask.sum().item<int64_t>());
  };
  return (2 * count(both) + kSmooth) / (count(in_predicted) + count(in_truth) + kSmooth);
}

}  // namespace reprise::worker
