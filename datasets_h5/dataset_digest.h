#pragma once
/// The content digest of a data set: SHA-256 over its fields in the order of FORMAT.md.

#include <string>

#include "datasets_h5/dataset_file.h"

namespace reprise::datasets {

/// `images_sha256` and `labels_sha256`: SHA-256 of the bytes of /images and /labels, hexadecimal.
std::string content_digest(const DatasetInfo& info, const std::string& images_sha256,
                           const std::string& labels_sha256);

}  // namespace reprise::datasets
