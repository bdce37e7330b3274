#pragma once
/// The NIfTI library's volumes, owned.

#include <nifti/nifti2_io.h>

#include <memory>

namespace reprise::datasets {

struct FreeNifti {
  void operator()(nifti_image* image) const { nifti_image_free(image); }
};
/// A volume of the library with its voxels; null where it could not make one.
using NiftiImage = std::unique_ptr<nifti_image, FreeNifti>;

}  // namespace reprise::datasets
