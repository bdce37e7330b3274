#pragma once
/// Random values of an axis, a pure function of seed, index and axis name. Internal to sweep/.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sweep/toml_reader.h"

namespace reprise::sweep {

/// An axis to draw from: a list of choices, or numbers from `min` to `max`.
struct SampleAxis {
  std::string key;  ///< Dotted: "network.width".
  toml::source_region source;
  std::vector<const toml::node*> choices;  ///< Empty for a range.
  double min = 0, max = 0;
  bool log = false;              ///< Uniform in the logarithm.
  std::int64_t multiple_of = 0;  ///< Above 0: integers, multiples of it.

  /// The value at `unit` of [0, 1).
  [[nodiscard]] std::unique_ptr<toml::node> value(double unit) const;
};

/// key = [choice, ...] or {min, max, log = false, multiple_of = N}. Errors: InvalidInput.
std::vector<SampleAxis> read_sample_axes(TomlReader axes);

/// A number of [0, 1): equal arguments give equal numbers, on every machine.
double unit_random(std::uint64_t seed, std::uint64_t index, const std::string& key);

}  // namespace reprise::sweep
