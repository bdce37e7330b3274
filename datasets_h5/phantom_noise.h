#pragma once
/// Random fields for phantoms, as functions of their coordinates.

#include <cmath>
#include <cstdint>
#include <numbers>

namespace reprise::datasets {

/// A counter-based generator (splitmix64's finaliser over mixed coordinates): a value depends on
/// its coordinates only, so volumes do not depend on the order in which they are computed.
inline std::uint64_t mix(std::uint64_t x) {
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

/// Standard normal at a voxel (Box and Muller), from `channel` and the one after it.
inline double normal(const Noise& noise, int channel, int x, int y, int z) {
  const double u = 1 - noise.at(channel, x, y, z);
  const double v = noise.at(channel + 1, x, y, z);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace reprise::datasets
