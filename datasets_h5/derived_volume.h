#pragma once
/// Volumes that were computed from others and lie in the same place in space.

#include <array>
#include <filesystem>
#include <span>

#include "datasets_h5/element.h"

namespace reprise::datasets {

/// Writes `values` ([z][y][x], scaled) as NIfTI-1 in place of the volume `like` on a grid that is
/// `factor` times as fine along x, y and z: voxel sizes shrink, the orientation stays, and the
/// outer faces of the image stay where they are in space.
///
/// `out` ends in .nii or .nii.gz; it is written under a temporary name and renamed. `element`:
/// UInt8 (labels) or Float32.
/// Errors: InvalidInput (suffix), Unavailable (not written), those of reading `like`.
void write_derived_nifti(const std::filesystem::path& out, const std::filesystem::path& like,
                         std::array<int, 3> factor, std::span<const float> values, Element element);

}  // namespace reprise::datasets
