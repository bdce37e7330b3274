#include "datasets_h5/derived_volume.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "datasets_h5/nifti_image.h"
#include "datasets_h5/volume.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

/// Index to millimetres on the finer grid: the centre of its first voxel lies (1/f - 1)/2 of a
/// coarse voxel from the coarse one's.
nifti_dmat44 refined(nifti_dmat44 matrix, const std::array<int, 3>& factor) {
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double step = 1.0 / factor[axis];
      matrix.m[row][3] += matrix.m[row][axis] * (step - 1) / 2;
      matrix.m[row][axis] *= step;
    }
  }
  return matrix;
}

void refine(nifti_image& image, const std::array<int, 3>& factor) {
  image.nx = image.dim[1] = image.nx * factor[0];
  image.ny = image.dim[2] = image.ny * factor[1];
  image.nz = image.dim[3] = image.nz * factor[2];
  image.ndim = image.dim[0] = 3;
  for (int axis = 4; axis < 8; ++axis) image.dim[axis] = 1;
  image.nt = image.nu = image.nv = image.nw = 1;
  image.nvox = image.nx * image.ny * image.nz;
  image.dx = image.pixdim[1] = image.dx / factor[0];
  image.dy = image.pixdim[2] = image.dy / factor[1];
  image.dz = image.pixdim[3] = image.dz / factor[2];
  if (image.qform_code > 0) {
    image.qto_xyz = refined(image.qto_xyz, factor);
    image.qoffset_x = image.qto_xyz.m[0][3];
    image.qoffset_y = image.qto_xyz.m[1][3];
    image.qoffset_z = image.qto_xyz.m[2][3];
  }
  if (image.sform_code > 0) image.sto_xyz = refined(image.sto_xyz, factor);
}

/// A name beside `out` that ends as it does, because the suffix decides on compression.
fs::path temporary_for(const fs::path& out) {
  return out.parent_path() /
         (".incoming-" + std::to_string(::getpid()) + "-" + out.filename().string());
}

}  // namespace

void write_derived_nifti(const fs::path& out, const fs::path& like, std::array<int, 3> factor,
                         std::span<const float> values, Element element) {
  const std::string name = out.string();
  if (!name.ends_with(".nii") && !name.ends_with(".nii.gz")) {
    throw_invalid(name + ": a NIfTI-1 file must end in .nii or .nii.gz");
  }
  nifti_set_debug_level(0);
  (void)read_header(like);  // Refuses what is no sound volume, with the reason.
  const NiftiImage image(nifti_image_read(like.c_str(), 0));
  if (!image) throw_corrupt(like.string() + ": cannot be read");
  refine(*image, factor);
  REPRISE_CHECK(static_cast<std::size_t>(image->nvox) == values.size());
  image->datatype = element == Element::UInt8 ? DT_UINT8 : DT_FLOAT32;
  image->nbyper = element == Element::UInt8 ? 1 : 4;
  image->scl_slope = 1;
  image->scl_inter = 0;
  image->cal_min = image->cal_max = 0;
  image->byteorder = nifti_short_order();
  std::error_code error;
  if (out.has_parent_path()) fs::create_directories(out.parent_path(), error);
  const fs::path temporary = temporary_for(out);
  image->nifti_type = NIFTI_FTYPE_NIFTI1_1;
  if (nifti_set_filenames(image.get(), temporary.c_str(), 0, 1) != 0) {
    throw_invalid(name + ": not a name for a volume");
  }
  image->nifti_type = NIFTI_FTYPE_NIFTI1_1;
  const std::vector<std::byte> bytes = encode(values, element);
  image->data = std::malloc(bytes.size());  // Freed by nifti_image_free.
  if (image->data == nullptr) throw Error(ErrorCode::Exhausted, name + ": out of memory");
  std::memcpy(image->data, bytes.data(), bytes.size());
  nifti_image_write(image.get());  // Tells nothing of failure.
  bool written = false;
  try {
    const Volume back = read_volume(temporary);
    written = back.values.size() == values.size() &&
              std::equal(values.begin(), values.end(), back.values.begin());
  } catch (const Error&) {
    written = false;
  }
  if (written) fs::rename(temporary, out, error);
  if (!written || error) {
    fs::remove(temporary, error);
    throw Error(ErrorCode::Unavailable, name + ": could not be written");
  }
}

}  // namespace reprise::datasets
