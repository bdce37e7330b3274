#include "datasets_h5/phantom.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

/// A counter-based generator (splitmix64's finaliser over mixed coordinates): a value depends on
/// its coordinates only, so volumes do not depend on the order in which they are computed.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

class Noise {
 public:
  Noise(std::uint64_t seed, int subject)
      : key_(mix(mix(seed) ^ static_cast<std::uint64_t>(subject))) {}

  /// Uniform in [0, 1) at lattice point (i, j, k) of a channel.
  [[nodiscard]] double at(int channel, int i, int j, int k) const {
    std::uint64_t h = mix(key_ ^ static_cast<std::uint64_t>(channel));
    h = mix(h ^ static_cast<std::uint32_t>(i));
    h = mix(h ^ static_cast<std::uint32_t>(j));
    h = mix(h ^ static_cast<std::uint32_t>(k));
    return static_cast<double>(h >> 11U) * 0x1.0p-53;
  }

  /// A number for a whole subject, uniform in [low, high).
  [[nodiscard]] double trait(int which, double low, double high) const {
    return low + (high - low) * at(1000 + which, 0, 0, 0);
  }

  /// Smooth value noise in [-1, 1], with features of about one unit.
  [[nodiscard]] double smooth(int channel, double x, double y, double z) const {
    const int i = static_cast<int>(std::floor(x));
    const int j = static_cast<int>(std::floor(y));
    const int k = static_cast<int>(std::floor(z));
    const auto fade = [](double t) { return t * t * t * (t * (t * 6 - 15) + 10); };
    const double u = fade(x - i);
    const double v = fade(y - j);
    const double w = fade(z - k);
    double sum = 0;
    for (int c = 0; c < 8; ++c) {
      const int a = c & 1;
      const int b = (c >> 1) & 1;
      const int d = (c >> 2) & 1;
      sum += (a != 0 ? u : 1 - u) * (b != 0 ? v : 1 - v) * (d != 0 ? w : 1 - w) *
             at(channel, i + a, j + b, k + d);
    }
    return 2 * sum - 1;
  }

 private:
  std::uint64_t key_;
};

constexpr double kOutside = 0;

/// Continuous tissue membership: how far a point is inside each structure, in voxels of a
/// 160-voxel-long brain.
class Anatomy {
 public:
  Anatomy(const Noise& noise, const PhantomOptions& options)
      : noise_(noise),
        half_x_(0.44 * options.size[0] * noise.trait(0, 0.93, 1.02)),
        half_y_(0.44 * options.size[1] * noise.trait(1, 0.93, 1.02)),
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

/// Standard normal at a voxel, by Box and Muller.
double normal(const Noise& noise, int x, int y, int z) {
  const double u = 1 - noise.at(20, x, y, z);
  const double v = noise.at(21, x, y, z);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace

BrainPhantom make_brain_phantom(const PhantomOptions& options, int subject) {
  const Noise noise(options.seed, subject);
  const Anatomy anatomy(noise, options);
  BrainPhantom brain;
  brain.t1.dims = brain.tissues.dims = options.size;
  brain.t1.voxel_mm = brain.tissues.voxel_mm = {1, 1, 1};
  brain.t1.element = Element::Int16;
  brain.tissues.element = Element::UInt8;
  // Mean T1 of the background and FAST's three tissues, as in the OASIS report.
  const std::array<double, 4> mean{kOutside, 385, 851, 1226};
  const double gain = noise.trait(5, 0.92, 1.08);
  const int width = options.size[0];
  const int height = options.size[1];
  for (int k = 0; k < options.size[2]; ++k) {
    const double z = k - (options.size[2] - 1) / 2.0;
    const std::size_t slice = brain.tissues.values.size();
    for (int j = 0; j < height; ++j) {
      for (int i = 0; i < width; ++i) {
        const int tissue = anatomy.tissue(i - (width - 1) / 2.0, j - (height - 1) / 2.0, z);
        brain.tissues.values.push_back(static_cast<float>(tissue));
      }
    }
    // The scanner's point spread, [1 2 1]/4 along rows and columns: boundaries are partial volume.
    const auto signal_at = [&](int i, int j) {
      double sum = 0;
      for (int b = -1; b <= 1; ++b) {
        for (int a = -1; a <= 1; ++a) {
          const int x = std::clamp(i + a, 0, width - 1);
          const int y = std::clamp(j + b, 0, height - 1);
          const auto at = slice + static_cast<std::size_t>(y) * width + x;
          const auto tissue = static_cast<std::size_t>(brain.tissues.values[at]);
          sum += mean[tissue] * (2 - std::abs(a)) * (2 - std::abs(b)) / 16.0;
        }
      }
      return sum;
    };
    for (int j = 0; j < height; ++j) {
      for (int i = 0; i < width; ++i) {
        const double x = i - (width - 1) / 2.0;
        const double y = j - (height - 1) / 2.0;
        const bool inside =
            brain.tissues.values[slice + static_cast<std::size_t>(j) * width + i] > 0;
        const double bias = 1 + 0.06 * noise.smooth(10, x / 60, y / 60, z / 60);
        const double texture = 22 * noise.smooth(11, x / 2.6, y / 2.6, z / 2.6);
        const double value =
            inside ? signal_at(i, j) * gain * bias + texture + 9 * normal(noise, i, j, k) : 0;
        brain.t1.values.push_back(static_cast<float>(std::clamp(std::round(value), 0.0, 4095.0)));
      }
    }
  }
  return brain;
}

std::vector<std::string> write_brain_phantom(const fs::path& root, const PhantomOptions& options) {
  if (options.subjects < 1 || options.subjects > 9999) {
    throw_invalid("phantom: subjects is " + std::to_string(options.subjects) +
                  ", must be 1 to 9999");
  }
  for (const int side : options.size) {
    if (side < 1 || side > 512) {
      throw_invalid("phantom: side " + std::to_string(side) + ", must be 1 to 512");
    }
  }
  std::vector<std::string> ids;
  for (int subject = 1; subject <= options.subjects; ++subject) {
    std::array<char, 32> id{};
    std::snprintf(id.data(), id.size(), "RPS_%04d_MR1", subject);
    ids.emplace_back(id.data());
    const BrainPhantom brain = make_brain_phantom(options, subject);
    const fs::path folder = root / "disc1" / ids.back();
    const std::string stem = ids.back() + "_mpr_n4_anon_111_t88_masked_gfc";
    const fs::path t1 = folder / "PROCESSED/MPRAGE/T88_111" / stem;
    const fs::path tissues = folder / "FSL_SEG" / (stem + "_fseg");
    if (subject == 1) {
      write_analyze(t1.string() + ".hdr", brain.t1);
      write_analyze(tissues.string() + ".hdr", brain.tissues);
    } else {
      write_nifti(t1.string() + ".nii.gz", brain.t1);
      write_nifti(tissues.string() + ".nii.gz", brain.tissues);
    }
  }
  return ids;
}

}  // namespace reprise::datasets
