#include "datasets_h5/slicing.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "sweep/error.h"

namespace reprise::datasets {
namespace {

/// The volume's grid seen as slices of rows and columns.
struct Grid {
  int slices, rows, columns;
  std::size_t slice_step, row_step, column_step;

  Grid(const VolumeHeader& volume, int axis) {
    const std::array<std::size_t, 3> step{
        1, static_cast<std::size_t>(volume.dims[0]),
        static_cast<std::size_t>(volume.dims[0]) * static_cast<std::size_t>(volume.dims[1])};
    const int row = axis == 2 ? 1 : 2;
    const int column = axis == 0 ? 1 : 0;
    slices = volume.dims[axis];
    rows = volume.dims[row];
    columns = volume.dims[column];
    slice_step = step[axis];
    row_step = step[row];
    column_step = step[column];
  }

  [[nodiscard]] std::size_t index(int slice, int row, int column) const {
    return slice * slice_step + row * row_step + column * column_step;
  }
};

template <typename Visit>
void for_each_pixel(const Grid& grid, int slice, const Visit& visit) {
  for (int y = 0; y < grid.rows; ++y) {
    for (int x = 0; x < grid.columns; ++x) visit(grid.index(slice, y, x));
  }
}

/// The stored label of a value of the file.
int label_of(double value, const SlicingRule& rule) {
  const auto mapped = rule.label_values.find(static_cast<int>(value));
  return mapped == rule.label_values.end() ? static_cast<int>(value) : mapped->second;
}

/// Without the zeros that std::to_string leaves.
std::string to_text(double value) {
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

void check_labels(const Volume& label, const SlicingRule& rule, int labels_max) {
  for (const float raw : label.values) {
    const double value = raw * label.slope + label.intercept;
    const bool whole = value >= 0 && value <= 255 && value == std::floor(value);
    if (whole && label_of(value, rule) <= labels_max) continue;
    const std::string found = label.path.string() + ": label value " + to_text(value);
    if (!whole) throw_invalid(found + " is not an integer from 0 to 255");
    throw_invalid(found + " has no name: the names end at " + std::to_string(labels_max));
  }
}

double scaled(const Volume& volume, std::size_t index) {
  return volume.values[index] * volume.slope + volume.intercept;
}

std::vector<int> kept_slices(const std::vector<Volume>& channels, const Volume* label,
                             const Grid& grid, const SlicingRule& rule) {
  std::vector<int> kept;
  for (int z = 0; z < grid.slices; ++z) {
    double image_sum = 0;
    double label_sum = 0;
    for_each_pixel(grid, z, [&](std::size_t i) {
      for (const Volume& channel : channels) image_sum += scaled(channel, i);
      if (label != nullptr) label_sum += scaled(*label, i);
    });
    if (rule.drop_empty_images && image_sum == 0) continue;
    if (label_sum <= static_cast<double>(rule.label_sum_above)) continue;
    kept.push_back(z);
  }
  return kept;
}

/// Copies a slice into the centre of [height, width]; pixels outside the source become `fill`.
template <typename Out, typename Value>
void crop(const Grid& grid, int slice, int height, int width, Out fill, std::vector<Out>& out,
          const Value& value) {
  const auto start = [](int side, int size) {
    return side >= size ? (side - size) / 2 : -((size - side) / 2);
  };
  const int top = start(grid.rows, height);
  const int left = start(grid.columns, width);
  for (int y = top; y < top + height; ++y) {
    for (int x = left; x < left + width; ++x) {
      const bool inside = y >= 0 && x >= 0 && y < grid.rows && x < grid.columns;
      out.push_back(inside ? value(grid.index(slice, y, x)) : fill);
    }
  }
}

}  // namespace

std::array<int, 2> sliced_size(const VolumeHeader& volume, const SlicingRule& rule) {
  const Grid grid(volume, rule.slice_axis);
  return {rule.size[0] > 0 ? rule.size[0] : grid.rows,
          rule.size[1] > 0 ? rule.size[1] : grid.columns};
}

SlicedVolume slice_volume(const std::vector<Volume>& channels, const Volume* label,
                          const SlicingRule& rule, int labels_max) {
  REPRISE_CHECK(!channels.empty() && rule.slice_axis >= 0 && rule.slice_axis <= 2);
  const Volume& first = channels.front();
  const auto same_shape = [&](const Volume& other) {
    if (other.dims == first.dims) return;
    throw_invalid(other.path.string() + ": shape " + other.shape() + " differs from " +
                  first.path.string() + " with shape " + first.shape());
  };
  for (const Volume& channel : channels) same_shape(channel);
  if (label != nullptr) {
    same_shape(*label);
    check_labels(*label, rule, labels_max);
  }
  const Grid grid(first, rule.slice_axis);
  const std::vector<int> kept = kept_slices(channels, label, grid, rule);
  if (kept.empty()) throw_invalid(first.path.string() + ": no slice is left after dropping");

  SlicedVolume out;
  out.count = static_cast<int>(kept.size());
  const auto [height, width] = sliced_size(first, rule);
  out.height = height;
  out.width = width;
  out.subject.voxel_mm = first.voxel_mm;
  std::vector<float> fills;
  for (const Volume& channel : channels) {
    double minimum = std::numeric_limits<double>::infinity();
    double maximum = -minimum;
    float fill = 0;
    for (const int z : kept) {
      for_each_pixel(grid, z, [&](std::size_t i) {
        const double value = scaled(channel, i);
        if (value < minimum) {
          minimum = value;
          fill = channel.values[i];
        }
        maximum = std::max(maximum, value);
      });
    }
    if (!(maximum > minimum)) {
      throw_invalid(channel.path.string() + ": every kept voxel has the same value");
    }
    out.subject.slope.push_back(channel.slope);
    out.subject.intercept.push_back(channel.intercept);
    out.subject.minimum.push_back(minimum);
    out.subject.maximum.push_back(maximum);
    fills.push_back(fill);
  }
  for (const int z : kept) {
    for (std::size_t c = 0; c < channels.size(); ++c) {
      crop(grid, z, out.height, out.width, fills[c], out.images,
           [&](std::size_t i) { return channels[c].values[i]; });
    }
    crop(grid, z, out.height, out.width, std::uint8_t{0}, out.labels, [&](std::size_t i) {
      return label == nullptr ? std::uint8_t{0}
                              : static_cast<std::uint8_t>(label_of(scaled(*label, i), rule));
    });
  }
  return out;
}

}  // namespace reprise::datasets
