#include "sweep/axis_sample.h"

#include <algorithm>
#include <cmath>

#include "sweep/digest.h"
#include "sweep/error.h"

namespace reprise::sweep {
namespace {

std::unique_ptr<toml::node> copy_of(const toml::node& node) {
  std::unique_ptr<toml::node> copy;
  node.visit([&](const auto& concrete) {
    copy = std::make_unique<std::remove_cvref_t<decltype(concrete)>>(concrete);
  });
  return copy;
}

}  // namespace

std::unique_ptr<toml::node> SampleAxis::value(double unit) const {
  if (!choices.empty()) {
    const auto at = static_cast<std::size_t>(unit * static_cast<double>(choices.size()));
    return copy_of(*choices[std::min(at, choices.size() - 1)]);
  }
  if (multiple_of > 0) {
    const auto step = static_cast<double>(multiple_of);
    const double low = std::ceil(min / step);
    const double high = std::floor(max / step);
    const double drawn =
        log ? low * std::pow((high + 1) / low, unit) : low + (high + 1 - low) * unit;
    const double index = std::clamp(std::floor(drawn), low, high);
    return std::make_unique<toml::value<std::int64_t>>(static_cast<std::int64_t>(index) *
                                                       multiple_of);
  }
  const double drawn = log ? min * std::pow(max / min, unit) : min + (max - min) * unit;
  return std::make_unique<toml::value<double>>(drawn);
}

std::vector<SampleAxis> read_sample_axes(TomlReader axes) {
  std::vector<SampleAxis> all;
  for (const std::string& key : axes.names()) {
    SampleAxis axis;
    axis.key = key;
    const toml::node* node = axes.node(key);
    axis.source = node->source();
    if (const auto* list = node->as_array()) {
      for (const toml::node& item : *list) axis.choices.push_back(&item);
      if (axis.choices.empty()) axes.fail(key, "must be a list with at least one value");
    } else {
      if (!node->is_table()) axes.fail(key, "must be a list of values or {min, max}");
      TomlReader range = axes.table(key);
      axis.log = range.boolean("log", false);
      axis.multiple_of = range.integer("multiple_of", 0, 0, INT32_MAX);
      axis.min = range.number("min", std::nullopt, axis.log ? 1e-12 : -1e12, 1e12);
      axis.max = range.number("max", std::nullopt, axis.min, 1e12);
      range.finish();
      const auto step = static_cast<double>(std::max<std::int64_t>(axis.multiple_of, 1));
      if (axis.multiple_of > 0 && std::ceil(axis.min / step) > std::floor(axis.max / step)) {
        axes.fail(key, "holds no multiple of " + std::to_string(axis.multiple_of));
      }
    }
    all.push_back(std::move(axis));
  }
  return all;
}

double unit_random(std::uint64_t seed, std::uint64_t index, const std::string& key) {
  const std::string digest =
      sha256_hex(std::to_string(seed) + "/" + std::to_string(index) + "/" + key);
  return static_cast<double>(std::stoull(digest.substr(0, 13), nullptr, 16)) / std::pow(2.0, 52);
}

}  // namespace reprise::sweep
