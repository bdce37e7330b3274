#pragma once
/// The anatomies behind the phantoms.

#include <array>

#include "datasets_h5/phantom.h"
#include "datasets_h5/phantom_noise.h"

namespace reprise::datasets {

/// `size` is set; images and labels come back with values only.
struct PhantomJob {
  const Noise& noise;
  std::array<int, 3> size;
  int frame = 0;
};

/// Labels 1 CSF, 2 grey, 3 white; one T1.
Phantom make_brain(const PhantomJob& job);
/// Labels 1 necrosis, 2 oedema, 4 enhancing; T1 with contrast, T1, T2, FLAIR.
Phantom make_tumour(const PhantomJob& job);
/// Labels 1 right ventricle, 2 myocardium, 3 left ventricle; one cine MR frame.
Phantom make_cardiac(const PhantomJob& job);
/// Labels 1 left lung, 2 right lung, 3 lesion; CT in HU.
Phantom make_lung(const PhantomJob& job);

/// Calls `visit(i, j, k, x, y, z)` for every voxel in stored order; x, y, z count from the centre.
template <typename Visit>
void for_each_voxel(const std::array<int, 3>& size, const Visit& visit) {
  for (int k = 0; k < size[2]; ++k) {
    for (int j = 0; j < size[1]; ++j) {
      for (int i = 0; i < size[0]; ++i) {
        visit(i, j, k, i - (size[0] - 1) / 2.0, j - (size[1] - 1) / 2.0, k - (size[2] - 1) / 2.0);
      }
    }
  }
}

/// `values` blurred in the slice plane by [1 2 1]/4 along rows and columns: the scanner's point
/// spread, which makes partial volume at boundaries.
std::vector<float> blur(const std::vector<float>& values, const std::array<int, 3>& size);

}  // namespace reprise::datasets
