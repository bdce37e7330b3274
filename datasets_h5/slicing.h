#pragma once
/// From volumes to slices: axis, crop and pad, empty slices, intensity range.

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "datasets_h5/dataset_file.h"
#include "datasets_h5/volume.h"

namespace reprise::datasets {

/// Which slices of a volume are kept, and what becomes of each.
struct SlicingRule {
  int slice_axis = 2;                 ///< 0, 1 or 2: the stored axis that counts the slices.
  std::array<int, 2> size{};          ///< H, W after centre crop or pad; 0 keeps the source's side.
  bool drop_empty_images = false;     ///< Drop slices whose scaled values sum to 0.
  std::int64_t label_sum_above = -1;  ///< Keep slices whose label values sum to more than this.
  std::map<int, int> label_values;    ///< What label values become, after that; others stay.
};

/// The kept slices of one volume, cropped.
struct SlicedVolume {
  int count = 0;
  int height = 0;
  int width = 0;
  std::vector<float> images;         ///< [N, C, H, W], raw.
  std::vector<std::uint8_t> labels;  ///< [N, H, W].
  SubjectRecord subject;             ///< Without id and split.
};

/// {height, width} of the slices that `slice_volume` makes of such a volume.
std::array<int, 2> sliced_size(const VolumeHeader& volume, const SlicingRule& rule);

/// Slices `channels` (equal shapes) and `label`. The remaining axes keep their order: the slower
/// one becomes the rows, so that axis 2 gives rows = y, columns = x. Crops start at (side -
/// size)/2; padding takes the volume's minimum, which is 0 after normalisation, and label 0.
/// Errors: InvalidInput (label values that are no integers in 0..`labels_max`, shapes that differ,
/// no slice left, a constant image).
SlicedVolume slice_volume(const std::vector<Volume>& channels, const Volume* label,
                          const SlicingRule& rule, int labels_max);

}  // namespace reprise::datasets
