#pragma once
/// Volumes on disk: NIfTI-1 (.nii, .nii.gz, .hdr/.img) and Analyze 7.5 (.hdr/.img) by libniftiio.
///
/// Voxels stay in stored order, x fastest, without reorientation, and before slope and intercept:
/// that is what a data set stores, and the scaling is a property of the subject.

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets_h5/element.h"

namespace reprise::datasets {

struct Volume {
  std::filesystem::path path;
  std::array<int, 3> dims{};         ///< x, y, z; x varies fastest in `values`.
  std::array<double, 3> voxel_mm{};  ///< Grid spacing; 1 where the header has none.
  Element element = Element::Int16;  ///< Source type; int8 becomes int16, others float32.
  double slope = 1;                  ///< Header's 0 ("none") has become 1.
  double intercept = 0;
  std::vector<float> values;  ///< [z][y][x], raw (before slope and intercept).

  [[nodiscard]] std::size_t voxels() const;
  [[nodiscard]] float at(int x, int y, int z) const;
  /// "[176, 208, 176]", for messages.
  [[nodiscard]] std::string shape() const;
};

/// Reads a 3-D volume (or 4-D with one frame). The header is checked against the size of the file
/// before anything is allocated, and a .gz is read to its end so that its checksum is verified.
/// Errors: InvalidInput (missing file, not 3-D, NIfTI-2, colour or complex voxels), Corrupt
/// (impossible header, truncated or damaged data).
Volume read_volume(const std::filesystem::path& path);

/// Writes `path` (.nii or .nii.gz) as NIfTI-1, reading it back to be sure, since niftiio does not
/// report a failed write. Errors: InvalidInput (suffix, type), Unavailable (not written).
void write_nifti(const std::filesystem::path& path, const Volume& volume);

/// The same as Analyze 7.5: `path` ends in .hdr, the voxels go to the .img beside it. Analyze has
/// no slope, so slope and intercept must be 1 and 0.
void write_analyze(const std::filesystem::path& path, const Volume& volume);

}  // namespace reprise::datasets
