#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "datasets_h5/nifti_image.h"
#include "datasets_h5/volume.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

int datatype_of(const Volume& volume, const fs::path& path) {
  if (volume.element == Element::UInt8) return DT_UINT8;
  if (volume.element == Element::Int16) return DT_INT16;
  throw_invalid(path.string() + ": only uint8 and int16 volumes are written");
}

/// An sform whose axes point where `volume.orientation` says, with the origin at the first voxel.
void set_orientation(nifti_image& image, const Volume& volume) {
  REPRISE_CHECK(volume.orientation.size() == 3);
  image.sform_code = NIFTI_XFORM_SCANNER_ANAT;
  image.sto_xyz = {};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::size_t code = std::string("RLAPSI").find(volume.orientation[axis]);
    REPRISE_CHECK(code != std::string::npos);
    image.sto_xyz.m[code / 2][axis] = (code % 2 == 0 ? 1 : -1) * volume.voxel_mm[axis];
  }
  image.sto_xyz.m[3][3] = 1;
}

void write_image(const fs::path& path, const Volume& volume, int nifti_type) {
  nifti_set_debug_level(0);
  REPRISE_CHECK(volume.values.size() == volume.voxels());
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  const std::array<std::int64_t, 8> dims{3, volume.dims[0], volume.dims[1], volume.dims[2], 1, 1, 1,
                                         1};
  const NiftiImage image(nifti_make_new_nim(dims.data(), datatype_of(volume, path), 0));
  if (!image) throw Error(ErrorCode::Exhausted, path.string() + ": cannot make a volume");
  image->nifti_type = nifti_type;
  if (nifti_set_filenames(image.get(), path.c_str(), 0, 1) != 0) {
    throw_invalid(path.string() + ": not a name for a volume");
  }
  image->nifti_type = nifti_type;
  image->dx = image->pixdim[1] = volume.voxel_mm[0];
  image->dy = image->pixdim[2] = volume.voxel_mm[1];
  image->dz = image->pixdim[3] = volume.voxel_mm[2];
  image->scl_slope = volume.slope;
  image->scl_inter = volume.intercept;
  image->xyz_units = NIFTI_UNITS_MM;
  if (!volume.orientation.empty()) set_orientation(*image, volume);
  const std::vector<std::byte> bytes = encode(volume.values, volume.element);
  image->data = std::malloc(bytes.size());  // Freed by nifti_image_free.
  if (image->data == nullptr) throw Error(ErrorCode::Exhausted, path.string() + ": out of memory");
  std::memcpy(image->data, bytes.data(), bytes.size());
  nifti_image_write(image.get());

  bool written = false;
  try {
    written = read_volume(path).values == volume.values;
  } catch (const Error&) {
    written = false;
  }
  if (!written) throw Error(ErrorCode::Unavailable, path.string() + ": could not be written");
}

}  // namespace

void write_nifti(const fs::path& path, const Volume& volume) {
  const std::string name = path.string();
  if (!name.ends_with(".nii") && !name.ends_with(".nii.gz")) {
    throw_invalid(name + ": a NIfTI-1 file must end in .nii or .nii.gz");
  }
  write_image(path, volume, NIFTI_FTYPE_NIFTI1_1);
}

void write_analyze(const fs::path& path, const Volume& volume) {
  if (path.extension() != ".hdr") {
    throw_invalid(path.string() + ": an Analyze header must end in .hdr");
  }
  if (volume.slope != 1 || volume.intercept != 0) {
    throw_invalid(path.string() + ": Analyze 7.5 cannot hold a slope or intercept");
  }
  write_image(path, volume, NIFTI_FTYPE_ANALYZE);
}

}  // namespace reprise::datasets
