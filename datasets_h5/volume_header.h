#pragma once
/// The header of a volume on disk, checked before anything is allocated for its voxels.

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "datasets_h5/element.h"

namespace reprise::datasets {

/// What a NIfTI-1, NIfTI-2 or Analyze 7.5 header says of a 3-D volume.
struct VolumeHeader {
  std::filesystem::path path;        ///< As it was asked for; names the volume in messages.
  std::array<int, 3> dims{};         ///< x, y, z; x varies fastest.
  std::array<double, 3> voxel_mm{};  ///< Grid spacing; 1 where the header has none.
  Element element = Element::Int16;  ///< Source type; int8 becomes int16, others float32.
  double slope = 1;                  ///< Header's 0 ("none") has become 1.
  double intercept = 0;
  /// Towards which side of the body x, y and z grow: "RAS", "LPS", "PSR", ...; empty if the header
  /// does not say (Analyze).
  std::string orientation;

  [[nodiscard]] std::size_t voxels() const;
  /// "[176, 208, 176]", for messages.
  [[nodiscard]] std::string shape() const;
};

/// How the voxels of a header lie in their file.
struct VoxelLayout {
  std::filesystem::path file;  ///< The volume itself or its .img, perhaps with .gz.
  std::uint64_t offset = 0;    ///< Of the first voxel, after decompression.
  int datatype = 0;            ///< NIfTI code.
  int bytes_per_voxel = 0;
  bool swapped = false;  ///< Stored in the other byte order.
};

struct ParsedHeader {
  VolumeHeader header;
  VoxelLayout voxels;
  bool single_file = false;  ///< Header and voxels share a file ("n+1", "n+2").
};

/// Parses the first bytes (348 for Analyze and NIfTI-1, 540 for NIfTI-2) of a header file; `path`
/// only names it in messages. `voxels.file` stays empty.
/// Errors: InvalidInput (not 3-D, sheared axes, colour or complex voxels), Corrupt (impossible
/// values).
ParsedHeader parse_header(std::span<const std::byte> bytes, const std::filesystem::path& path);

/// Reads and parses the header of the volume `path` (.nii, .hdr or .img, each perhaps with .gz) and
/// finds the file of its voxels. Errors: those of parse_header; InvalidInput for a missing half.
ParsedHeader read_parsed_header(const std::filesystem::path& path);

/// Only what a volume is, without reading voxels.
VolumeHeader read_header(const std::filesystem::path& path);

}  // namespace reprise::datasets
