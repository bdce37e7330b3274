#include "datasets_h5/gz_file.h"

#include <zlib.h>

#include <algorithm>
#include <system_error>

#include "sweep/error.h"

namespace reprise::datasets {

bool is_readable_file(const std::filesystem::path& path) {
  std::error_code error;  // A loop of links is an error, not a file.
  return std::filesystem::is_regular_file(path, error) && !error;
}

void GzReader::Close::operator()(gzFile_s* file) const { gzclose(file); }

GzReader::GzReader(std::filesystem::path path)
    : path_(std::move(path)), file_(gzopen(path_.c_str(), "rb")) {
  if (!file_) throw_invalid(path_.string() + ": cannot open volume");
  gzbuffer(file_.get(), 1U << 18U);
}

std::size_t GzReader::read(std::span<std::byte> out) {
  std::size_t total = 0;
  while (total < out.size()) {
    const auto piece = static_cast<unsigned>(std::min<std::size_t>(out.size() - total, 1U << 28U));
    const int count = gzread(file_.get(), out.data() + total, piece);
    int code = Z_OK;
    gzerror(file_.get(), &code);
    if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      throw_corrupt(path_.string() + ": damaged or truncated gzip data");
    }
    if (count == 0) break;
    total += static_cast<std::size_t>(count);
  }
  return total;
}

}  // namespace reprise::datasets
