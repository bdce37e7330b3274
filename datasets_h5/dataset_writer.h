#pragma once
/// Writes a data set a subject at a time, so that sets larger than memory can be imported.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "datasets_h5/dataset_file.h"
#include "datasets_h5/h5.h"
#include "sweep/digest.h"
#include "sweep/files.h"

namespace reprise::datasets {

/// Everything goes to a temporary file, which `finish` fsyncs and renames; without `finish` nothing
/// is left. Errors: Unavailable, Exhausted (disk full), naming the target.
class DatasetWriter {
 public:
  /// `frame`: channels, height, width and element of every slice.
  DatasetWriter(const std::filesystem::path& path, const DatasetInfo& frame);

  /// Appends n slices. `images`: [n, C, H, W] in stored form (see `encode`); `labels`: [n, H, W].
  void append(std::span<const std::byte> images, std::span<const std::uint8_t> labels);

  /// Writes the metadata and makes the file appear. `info.count` must be the number of slices
  /// appended. Returns the content digest.
  std::string finish(const DatasetInfo& info);

 private:
  std::filesystem::path path_;
  AtomicFile target_;
  h5::File file_;
  DatasetInfo frame_;
  int count_ = 0;
  Sha256 images_sha_;
  Sha256 labels_sha_;
};

}  // namespace reprise::datasets
