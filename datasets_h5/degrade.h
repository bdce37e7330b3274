#pragma once
/// The degradation of the paper: OpenCV's INTER_CUBIC (a = -0.75, no antialiasing, borders
/// replicated), which is also the bicubic baseline upwards.

#include <span>
#include <vector>

namespace reprise::datasets {

/// Resizes `images` [channels, height, width] to [channels, height_out, width_out].
///
/// Channels may count slices as well. Computed in double; equal to OpenCV to float rounding. At
/// ratio 1/4 the weights of an axis are (-3, 19, 19, -3)/32 on pixels 4i .. 4i+3.
/// Errors: InvalidInput if a side is below 1 or `images` has another size.
std::vector<float> bicubic_resize(std::span<const float> images, int channels, int height,
                                  int width, int height_out, int width_out);

}  // namespace reprise::datasets
