#include "dashboards/web/png.h"

#include <png.h>

#include "sweep/error.h"

namespace reprise::dashboards::web {

std::string encode_png(const Picture& picture) {
  const std::size_t size = static_cast<std::size_t>(picture.height) *
                           static_cast<std::size_t>(picture.width) *
                           static_cast<std::size_t>(picture.channels);
  REPRISE_CHECK(size > 0 && picture.pixels.size() == size);
  REPRISE_CHECK(picture.channels == 1 || picture.channels == 3 || picture.channels == 4);
  png_image image{};  // libpng's simplified interface: no setjmp, nothing to free after a write.
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(picture.height);
  image.width = static_cast<png_uint_32>(picture.width);
  image.format = picture.channels == 1   ? PNG_FORMAT_GRAY
                 : picture.channels == 3 ? PNG_FORMAT_RGB
                                         : PNG_FORMAT_RGBA;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t written = bytes.size();
  if (png_image_write_to_memory(&image, bytes.data(), &written, 0, picture.pixels.data(), 0,
                                nullptr) == 0) {
    throw Error(ErrorCode::Exhausted, std::string("cannot encode a PNG: ") + image.message);
  }
  bytes.resize(written);
  return bytes;
}

}  // namespace reprise::dashboards::web
