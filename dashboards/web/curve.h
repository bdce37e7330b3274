#pragma once
/// A long curve as few points that keep its shape.

#include <cstddef>
#include <utility>
#include <vector>

namespace reprise::dashboards::web {

using CurvePoint = std::pair<double, double>;  ///< x, y

/// Largest-triangle-three-buckets (Steinarsson 2013): the first and the last point, and of each of
/// `count` - 2 buckets the one that spans the largest triangle with its neighbours. The input as it
/// is when it has at most `count` points; `count` is at least 3.
std::vector<CurvePoint> downsample(const std::vector<CurvePoint>& points, std::size_t count);

}  // namespace reprise::dashboards::web
