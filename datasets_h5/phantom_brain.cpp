/// Brains: folded cortex, ventricles, deep grey matter; with a tumour for the BraTS layout.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "datasets_h5/phantom_body.h"

namespace reprise::datasets {
namespace {

/// Continuous tissue membership: how far a point is inside each structure, in voxels of a
/// 160-voxel-long brain.
class Anatomy {
 public:
  Anatomy(const Noise& noise, const std::array<int, 3>& size)
      : noise_(noise),
        half_x_(0.44 * size[0] * noise.trait(0, 0.93, 1.02)),
        half_y_(0.44 * size[1] * noise.trait(1, 0.93, 1.02)),
        // The slab shows the middle of a brain that is as high as it is wide.
        half_z_(half_x_),
        fold_(noise.trait(2, 9.0, 10.5)),
        thickness_(noise.trait(3, 2.1, 2.6)),
        ventricle_(noise.trait(4, 0.8, 1.35)) {
    for (int n = 0; n < static_cast<int>(waves_.size()); ++n) {
      const double k = std::numbers::pi / fold_ * (0.85 + 0.3 * noise.at(30, n, 0, 0));
      const double azimuth = 2 * std::numbers::pi * noise.at(31, n, 0, 0);
      const double height = 1.2 * noise.at(32, n, 0, 0) - 0.6;
      const double flat = std::sqrt(1 - height * height);
      waves_[static_cast<std::size_t>(n)] = {k * flat * std::cos(azimuth),
                                             k * flat * std::sin(azimuth), k * height,
                                             2 * std::numbers::pi * noise.at(33, n, 0, 0)};
    }
  }

  /// Tissue at a position in voxels from the centre of the volume.
  [[nodiscard]] int tissue(double x, double y, double z) const {
    const double skull = depth(x, y, z);
    if (skull < 0) return 0;
    if (in_ventricle(x, y, z)) return 1;
    const double cortex = cortical_depth(x, y, z, skull);
    if (cortex < 0) return 1;
    if (cortex < thickness_ || deep_grey(x, y, z)) return 2;
    return 3;
  }

 private:
  /// Distance inside the brain's hull, which waves a little.
  [[nodiscard]] double depth(double x, double y, double z) const {
    const double r = std::sqrt(x * x / (half_x_ * half_x_) + y * y / (half_y_ * half_y_) +
                               z * z / (half_z_ * half_z_));
    const double wave = 0.02 * noise_.smooth(1, x / 25, y / 25, z / 25);
    return (1 + wave - r) * half_x_;
  }

  /// Distance below the folded cortical surface; negative in a sulcus. Sulci are thin sheets where
  /// warped plane waves cancel, deepest near the hull, so folds are random but alike.
  [[nodiscard]] double cortical_depth(double x, double y, double z, double skull) const {
    const double wx = x + 3.5 * noise_.smooth(2, x / 13, y / 13, z / 13);
    const double wy = y + 3.5 * noise_.smooth(3, x / 13, y / 13, z / 13);
    const double field = folds(wx, wy, z);
    const double reach = 17 + 7 * noise_.smooth(6, x / 18, y / 18, z / 18);
    const double fade = std::max(0.0, skull - reach) * 0.9;
    const double sheet = std::abs(field) * fold_ / std::numbers::pi - 0.8 + fade;
    // The gap between the hemispheres is one more sulcus, deep in front and behind.
    const double wander = 1.5 * noise_.smooth(7, y / 20, z / 20, 0);
    const double gap = std::abs(x - wander) - 0.8 + std::max(0.0, skull - 0.62 * half_x_) * 0.8;
    return std::min({skull - 1.2, sheet, gap});
  }

  /// Plane waves of one wavelength in random directions: their zeros are sheets about `fold_`
  /// apart everywhere, which is what makes the folds of two brains statistically alike.
  [[nodiscard]] double folds(double x, double y, double z) const {
    double sum = 0;
    for (const Wave& wave : waves_) {
      sum += std::cos(wave.x * x + wave.y * y + wave.z * z + wave.phase);
    }
    return sum * std::sqrt(2.0 / static_cast<double>(waves_.size()));
  }

  struct Wave {
    double x, y, z, phase;
  };

  [[nodiscard]] bool in_ventricle(double x, double y, double z) const {
    const double s = ventricle_ * half_x_ / 56;
    const double bend = 5 * s + 0.0045 * y * y / s;
    const double dx = (std::abs(x) - bend) / (4.2 * s);
    const double dy = y / (24 * s);
    const double dz = z / (14 * s);
    return dx * dx + dy * dy + dz * dz < 1 + 0.25 * noise_.smooth(8, x / 8, y / 8, z / 8);
  }

  [[nodiscard]] bool deep_grey(double x, double y, double z) const {
    const double s = half_x_ / 56;
    const double dx = (std::abs(x) - 19 * s) / (7 * s);
    const double dy = (y - 6 * s) / (13 * s);
    const double dz = z / (14 * s);
    return dx * dx + dy * dy + dz * dz < 1 + 0.3 * noise_.smooth(9, x / 7, y / 7, z / 7);
  }

  const Noise& noise_;
  double half_x_, half_y_, half_z_, fold_, thickness_, ventricle_;
  std::array<Wave, 8> waves_{};
};

/// A tumour: necrosis inside an enhancing rim, oedema around both.
class Tumour {
 public:
  Tumour(const Noise& noise, const std::array<int, 3>& size) : noise_(noise) {
    const double side = noise.trait(40, 0, 1) < 0.5 ? -1 : 1;
    centre_ = {side * noise.trait(41, 0.14, 0.24) * size[0], noise.trait(42, -0.2, 0.2) * size[1],
               noise.trait(43, -0.2, 0.2) * size[2]};
    radius_ = noise.trait(44, 0.075, 0.12) * size[0];
    core_ = noise.trait(45, 0.45, 0.65);
    oedema_ = noise.trait(46, 1.5, 2.0);
  }

  /// 0 outside, else a label of BraTS: 1 necrosis, 2 oedema, 4 enhancing.
  [[nodiscard]] int label(double x, double y, double z) const {
    const double dx = x - centre_[0];
    const double dy = y - centre_[1];
    const double dz = z - centre_[2];
    const double r = std::sqrt(dx * dx + dy * dy + dz * dz) / radius_;
    const double wave = 0.25 * noise_.smooth(50, x / 9, y / 9, z / 9);
    if (r + wave < core_) return 1;
    if (r + wave < 1) return 4;
    if (r + 2.5 * wave < oedema_) return 2;
    return 0;
  }

 private:
  const Noise& noise_;
  std::array<double, 3> centre_{};
  double radius_ = 1, core_ = 0.5, oedema_ = 1.7;
};

/// Signal of each voxel: blurred means, bias field, texture and noise inside the head.
std::vector<float> signal(const Noise& noise, const std::array<int, 3>& size,
                          const std::vector<float>& means, int channel, double gain) {
  std::vector<float> values = blur(means, size);
  std::size_t at = 0;
  for_each_voxel(size, [&](int i, int j, int k, double x, double y, double z) {
    double value = 0;
    if (means[at] > 0) {
      const double bias = 1 + 0.06 * noise.smooth(channel, x / 60, y / 60, z / 60);
      const double texture = 22 * noise.smooth(channel + 1, x / 2.6, y / 2.6, z / 2.6);
      value = values[at] * gain * bias + texture + 9 * normal(noise, channel + 10, i, j, k);
    }
    values[at++] = static_cast<float>(std::clamp(std::round(value), 0.0, 4095.0));
  });
  return values;
}

}  // namespace

std::vector<float> blur(const std::vector<float>& values, const std::array<int, 3>& size) {
  std::vector<float> out(values.size());
  const int width = size[0];
  const int height = size[1];
  std::vector<float> rows(static_cast<std::size_t>(width) * height);
  for (int k = 0; k < size[2]; ++k) {
    const float* slice = values.data() + static_cast<std::size_t>(k) * width * height;
    for (int j = 0; j < height; ++j) {
      const float* row = slice + static_cast<std::size_t>(j) * width;
      for (int i = 0; i < width; ++i) {
        rows[static_cast<std::size_t>(j) * width + i] =
            (row[std::max(i - 1, 0)] + 2 * row[i] + row[std::min(i + 1, width - 1)]) / 4;
      }
    }
    for (int j = 0; j < height; ++j) {
      const float* above = &rows[static_cast<std::size_t>(std::max(j - 1, 0)) * width];
      const float* here = &rows[static_cast<std::size_t>(j) * width];
      const float* below = &rows[static_cast<std::size_t>(std::min(j + 1, height - 1)) * width];
      float* target = &out[(static_cast<std::size_t>(k) * height + j) * width];
      for (int i = 0; i < width; ++i) target[i] = (above[i] + 2 * here[i] + below[i]) / 4;
    }
  }
  return out;
}

Phantom make_brain(const PhantomJob& job) {
  const Anatomy anatomy(job.noise, job.size);
  Phantom brain;
  for_each_voxel(job.size, [&](int, int, int, double x, double y, double z) {
    brain.labels.values.push_back(static_cast<float>(anatomy.tissue(x, y, z)));
  });
  // Mean T1 of the background and FAST's three tissues, as in the OASIS report.
  constexpr std::array<float, 4> kMean{0, 385, 851, 1226};
  std::vector<float> means;
  means.reserve(brain.labels.values.size());
  for (const float tissue : brain.labels.values) {
    means.push_back(kMean[static_cast<std::size_t>(tissue)]);
  }
  const double gain = job.noise.trait(5, 0.92, 1.08);
  brain.images.emplace_back().values = signal(job.noise, job.size, means, 10, gain);
  return brain;
}

Phantom make_tumour(const PhantomJob& job) {
  const Anatomy anatomy(job.noise, job.size);
  const Tumour tumour(job.noise, job.size);
  std::vector<int> tissues;
  Phantom brain;
  for_each_voxel(job.size, [&](int, int, int, double x, double y, double z) {
    const int tissue = anatomy.tissue(x, y, z);
    const int label = tissue == 0 ? 0 : tumour.label(x, y, z);
    tissues.push_back(tissue);
    brain.labels.values.push_back(static_cast<float>(label));
  });
  // Rows: T1 with contrast, T1, T2, FLAIR. Columns: background, CSF, grey, white, then labels 1, 2
  // and 4. Order of brightness as in clinical images.
  constexpr std::array<std::array<float, 7>, 4> kMean{{{0, 250, 430, 580, 280, 410, 900},
                                                       {0, 250, 420, 560, 300, 400, 430},
                                                       {0, 950, 560, 430, 820, 780, 650},
                                                       {0, 150, 480, 400, 450, 900, 750}}};
  for (std::size_t modality = 0; modality < kMean.size(); ++modality) {
    std::vector<float> means;
    means.reserve(tissues.size());
    for (std::size_t at = 0; at < tissues.size(); ++at) {
      const int label = static_cast<int>(brain.labels.values[at]);
      const int column = label == 0 ? tissues[at] : label == 4 ? 6 : 3 + label;
      means.push_back(kMean[modality][static_cast<std::size_t>(column)]);
    }
    const int channel = 100 + 20 * static_cast<int>(modality);
    const double gain = job.noise.trait(60 + static_cast<int>(modality), 0.85, 1.15);
    brain.images.emplace_back().values = signal(job.noise, job.size, means, channel, gain);
  }
  return brain;
}

}  // namespace reprise::datasets
