#pragma once
/// Synthetic volumes in the four distributors' layouts: data to try, test and demonstrate with,
/// free of anyone's anatomy. The ordinary importers read them.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets_h5/volume.h"

namespace reprise::datasets {

struct PhantomOptions {
  std::string kind = "brain";  ///< "brain", "tumour", "cardiac" or "lung".
  int subjects = 8;
  std::array<int, 3> size = {};  ///< Voxels x, y, z; 0: the kind's small size.
  std::uint64_t seed = 0;
};

struct PhantomKind {
  std::string name;
  std::string help;
  std::string importer;      ///< The reader of its layout.
  std::array<int, 3> small;  ///< Voxels x, y, z when none are asked for.
  std::array<int, 3> full;   ///< Voxels of the paper's volumes.
  std::array<double, 3> voxel_mm;
};
const std::vector<PhantomKind>& phantom_kinds();
/// Errors: InvalidInput for an unknown name.
const PhantomKind& phantom_kind(const std::string& name);

/// One volume and its labels, in the label values of the distributor.
struct Phantom {
  std::vector<Volume> images;  ///< One a modality, in the reader's order; int16.
  Volume labels;               ///< uint8.
};

/// A pure function of kind, size, seed and the numbers. `frame`: 0, for cardiac also 1 (systole).
Phantom make_phantom(const PhantomOptions& options, int subject, int frame = 0);

/// Writes every subject below `root` and returns their ids:
/// brain   disc1/RPS_0001_MR1/{PROCESSED/MPRAGE/T88_111,FSL_SEG}/... (OASIS-1); subject 1 as
///         Analyze 7.5, the others as NIfTI-1
/// tumour  {HGG,LGG}/RPS_0001/RPS_0001_{t1ce,t1,t2,flair,seg}.nii.gz (BraTS; labels 1, 2, 4)
/// cardiac RPS_0001/RPS_0001_frame{01,12}{,_gt}.nii.gz (ACDC)
/// lung    RPS_0001.nii.gz, mask/RPS_0001.nii.gz (COVID-CT)
/// Errors: InvalidInput (kind, subjects or a side out of range), Unavailable.
std::vector<std::string> write_phantom(const std::filesystem::path& root,
                                       const PhantomOptions& options);

}  // namespace reprise::datasets
