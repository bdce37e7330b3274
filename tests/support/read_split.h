#pragma once
/// A split of a data set file with all of its pixels, read as training reads them.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "datasets_h5/split_reader.h"

namespace reprise::datasets::testing {

struct WholeSplit : Slices {
  std::vector<float> images;         ///< [N, C, H, W], normalised to [0, 1].
  std::vector<std::uint8_t> labels;  ///< [N, H, W].
};

/// Errors: those of DatasetFile::open and SplitReader.
inline WholeSplit read_split(const DatasetFile& file, std::string_view split) {
  const SplitReader reader(file, split);
  WholeSplit whole{reader.frame(), {}, {}};
  const std::size_t pixels = static_cast<std::size_t>(whole.height) * whole.width;
  const std::size_t values = pixels * whole.channels;
  whole.images.resize(values * whole.count);
  whole.labels.resize(pixels * whole.count);
  for (int i = 0; i < whole.count; ++i) {
    reader.read(i, std::span(whole.images).subspan(i * values, values),
                std::span(whole.labels).subspan(i * pixels, pixels));
  }
  return whole;
}

inline WholeSplit read_split(const std::filesystem::path& path, std::string_view split) {
  return read_split(DatasetFile::open(path), split);
}

}  // namespace reprise::datasets::testing
