#pragma once
/// Pictures as PNG bytes, by libpng.

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::dashboards::web {

/// 8-bit pixels, row-major, channels interleaved: 1 grey, 3 RGB or 4 RGBA.
struct Picture {
  int height = 0, width = 0, channels = 1;
  std::vector<std::uint8_t> pixels;  ///< [height, width, channels]
};

/// Errors: Internal (sizes that disagree), Exhausted (no memory).
std::string encode_png(const Picture& picture);

}  // namespace reprise::dashboards::web
