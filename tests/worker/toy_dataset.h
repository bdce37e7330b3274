#pragma once
/// A small data set of three training subjects and one test subject, every pixel different.

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "datasets_h5/dataset_file.h"

namespace reprise::worker {

constexpr int kToySide = 32;
constexpr int kToyChannels = 2;
constexpr int kToyTrain = 7;  ///< Training slices, of two subjects; three slices are for the test.

inline datasets::Dataset toy_dataset() {
  datasets::Dataset dataset;
  auto& info = dataset.info;
  info.name = "toy";
  info.importer = "test";
  info.options = "{}";
  info.label_names = {"background", "G"};
  info.count = 10;
  info.channels = kToyChannels;
  info.height = kToySide;
  info.width = kToySide;
  info.slice_subject = {0, 0, 0, 1, 1, 1, 1, 2, 2, 2};
  for (const char* id : {"a", "b", "c"}) {
    info.subjects.push_back(
        {id, *id == 'c' ? "test" : "train", {1, 1}, {0, 0}, {0, 0}, {251, 240}, {1, 1, 1}});
  }
  const int pixels = info.count * kToySide * kToySide;
  for (int i = 0; i < pixels * kToyChannels; ++i) {
    dataset.images.push_back(static_cast<float>(i * 17 % 241));
  }
  for (int i = 0; i < pixels; ++i) dataset.labels.push_back(static_cast<std::uint8_t>(i % 13 < 4));
  return dataset;
}

/// Flips a bit in the middle of a file: in some slice's chunk.
inline void damage(const std::filesystem::path& path) {
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(middle);
  const int byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 4));
}

}  // namespace reprise::worker
