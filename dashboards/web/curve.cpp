#include "dashboards/web/curve.h"

#include <algorithm>
#include <cmath>

namespace reprise::dashboards::web {

std::vector<CurvePoint> downsample(const std::vector<CurvePoint>& points, std::size_t count) {
  count = std::max<std::size_t>(count, 3);
  if (points.size() <= count) return points;
  std::vector<CurvePoint> kept = {points.front()};
  const double width = static_cast<double>(points.size() - 2) / static_cast<double>(count - 2);
  const auto bucket_start = [&](std::size_t bucket) {
    const auto start = static_cast<std::size_t>(static_cast<double>(bucket) * width) + 1;
    return std::min(start, points.size() - 1);
  };
  for (std::size_t bucket = 0; bucket + 2 < count; ++bucket) {
    const std::size_t begin = bucket_start(bucket);
    const std::size_t end = bucket_start(bucket + 1);
    const std::size_t next_end = std::max(bucket_start(bucket + 2), end + 1);
    CurvePoint mean{0, 0};
    for (std::size_t i = end; i < next_end; ++i) {
      mean.first += points[i].first;
      mean.second += points[i].second;
    }
    const auto next_size = static_cast<double>(next_end - end);
    mean.first /= next_size;
    mean.second /= next_size;
    const CurvePoint& last = kept.back();
    std::size_t best = begin;
    double best_area = -1;
    for (std::size_t i = begin; i < end; ++i) {
      const double area = std::abs((last.first - mean.first) * (points[i].second - last.second) -
                                   (last.first - points[i].first) * (mean.second - last.second));
      if (area > best_area) {
        best_area = area;
        best = i;
      }
    }
    kept.push_back(points[best]);
  }
  kept.push_back(points.back());
  return kept;
}

}  // namespace reprise::dashboards::web
