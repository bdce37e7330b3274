#pragma once
/// The content digest of a data set: SHA-256 over its fields in the order of FORMAT.md.

#include <cstdint>
#include <span>
#include <string>

#include "datasets_h5/dataset_file.h"
#include "sweep/digest.h"

namespace reprise::datasets {

/// Fed in this order: metadata (constructor), all images, all labels.
class ContentDigest {
 public:
  explicit ContentDigest(const DatasetInfo& info);
  /// Pixels in stored form, in any number of pieces.
  void pixels(std::span<const std::byte> bytes) { sha_.update(bytes); }
  std::string hex() { return sha_.hex(); }

 private:
  void field(std::string_view name, std::string_view bytes);
  void numbers(std::string_view name, const std::vector<double>& values);
  Sha256 sha_;
};

}  // namespace reprise::datasets
