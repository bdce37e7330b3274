#pragma once
/// The part of a data set file that is not pixels: attributes and arrays a subject or a slice.

#include <filesystem>
#include <string>

#include "datasets_h5/dataset_file.h"
#include "datasets_h5/h5.h"

namespace reprise::datasets {

/// The HDF5 type that an element is stored as.
hid_t type_of(Element element);

inline hsize_t extent(std::size_t size) { return static_cast<hsize_t>(size); }

/// [N, C, H, W] of /images.
h5::Shape image_shape(const DatasetInfo& info);

/// Writes everything but /images and /labels. Errors: Unavailable.
void write_metadata(h5::File& file, const DatasetInfo& info, const std::string& digest);

/// Reads it back and checks every shape against the others, those of /images and /labels too.
/// Errors: InvalidInput (another format version), Corrupt, naming `path`.
DatasetInfo read_metadata(const std::filesystem::path& path, const h5::File& file);

}  // namespace reprise::datasets
