#pragma once
/// Volumes on disk: NIfTI-1 and NIfTI-2 (.nii, .nii.gz, .hdr/.img) and Analyze 7.5 (.hdr/.img).
///
/// Voxels stay in stored order, x fastest, without reorientation, and before slope and intercept:
/// that is what a data set stores, and the scaling is a property of the subject.

#include <filesystem>
#include <vector>

#include "datasets_h5/volume_header.h"

namespace reprise::datasets {

struct Volume : VolumeHeader {
  std::vector<float> values;  ///< [z][y][x], raw (before slope and intercept), finite.

  [[nodiscard]] float at(int x, int y, int z) const;
};

/// Reads a 3-D volume (or 4-D with one frame). The header is checked against the size of the file
/// before anything is allocated, and a .gz is read to its end so that its checksum is verified.
/// Errors: InvalidInput (missing file, not 3-D, sheared, colour or complex voxels, NaN or infinite
/// voxels), Corrupt (impossible header, truncated or damaged data).
Volume read_volume(const std::filesystem::path& path);

/// Writes `path` (.nii or .nii.gz) as NIfTI-1, reading it back to be sure, since the library does
/// not report a failed write. Errors: InvalidInput (suffix, type), Unavailable (not written).
void write_nifti(const std::filesystem::path& path, const Volume& volume);

/// The same as Analyze 7.5: `path` ends in .hdr, the voxels go to the .img beside it. Analyze has
/// no slope, so slope and intercept must be 1 and 0.
void write_analyze(const std::filesystem::path& path, const Volume& volume);

}  // namespace reprise::datasets
