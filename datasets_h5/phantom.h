#pragma once
/// Synthetic brains in the OASIS-1 folder layout: data to try, test and demonstrate with, free of
/// anyone's anatomy.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets_h5/volume.h"

namespace reprise::datasets {

struct PhantomOptions {
  int subjects = 8;
  std::array<int, 3> size{128, 160, 24};  ///< x, y, z voxels: a slab of axial slices.
  std::uint64_t seed = 0;
};

/// T1 (int16) and tissues (uint8: 0 background, 1 CSF, 2 grey, 3 white) of one subject, a pure
/// function of the options and the number.
struct BrainPhantom {
  Volume t1;
  Volume tissues;
};
BrainPhantom make_brain_phantom(const PhantomOptions& options, int subject);

/// Writes every subject as `root/disc1/RPS_0001_MR1/...`: T1 and FSL_SEG. Subject 1 is Analyze 7.5,
/// the others are NIfTI-1, as importers meet both. Returns the subjects' ids.
/// Errors: InvalidInput (subjects or a side out of range), Unavailable.
std::vector<std::string> write_brain_phantom(const std::filesystem::path& root,
                                             const PhantomOptions& options);

}  // namespace reprise::datasets
