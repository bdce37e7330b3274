#include "datasets_h5/volume.h"

#include <nifti/nifti1_io.h>
#include <zlib.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

/// 8 GiB: larger than any clinical volume, small enough to stop a gzip bomb.
constexpr std::uint64_t kBytesMax = 8ULL << 30U;
constexpr int kSideMax = 8192;

struct FreeImage {
  void operator()(nifti_image* image) const { nifti_image_free(image); }
};
using Image = std::unique_ptr<nifti_image, FreeImage>;

struct CloseGz {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

using GzFile = std::unique_ptr<gzFile_s, CloseGz>;

GzFile open_gz(const fs::path& path) {
  GzFile file(gzopen(path.c_str(), "rb"));
  if (!file) throw_invalid(path.string() + ": cannot open volume");
  return file;
}

/// Size after decompression (a plain file passes through). Reading to the end makes zlib compare
/// the checksum, which niftiio never reaches because it stops after the last voxel.
std::uint64_t checked_size(const fs::path& path) {
  const GzFile file = open_gz(path);
  std::vector<char> buffer(1U << 18U);
  std::uint64_t total = 0;
  while (true) {
    const int count = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
    int code = Z_OK;
    gzerror(file.get(), &code);
    if (count < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      throw_corrupt(path.string() + ": damaged or truncated gzip data");
    }
    if (count == 0) return total;
    total += static_cast<std::uint64_t>(count);
    if (total > kBytesMax) throw_corrupt(path.string() + ": decompresses to more than 8 GiB");
  }
}

template <typename T>
T swapped(T value) {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  std::array<std::byte, sizeof(T)> reversed{};
  for (std::size_t i = 0; i < sizeof(T); ++i) reversed[i] = bytes[sizeof(T) - 1 - i];
  return std::bit_cast<T>(reversed);
}

/// Reads the 348 header bytes and refuses what niftiio would misread: it multiplies dims in 32 bits
/// and converts a NaN vox_offset to an integer.
void check_header(const fs::path& path) {
  nifti_1_header header{};
  const GzFile file = open_gz(path);
  if (gzread(file.get(), &header, sizeof(header)) != static_cast<int>(sizeof(header))) {
    throw_corrupt(path.string() + ": shorter than a NIfTI-1 header (348 bytes)");
  }
  const std::string name = path.string();
  if (header.sizeof_hdr == 540 || swapped(header.sizeof_hdr) == 540) {
    throw_invalid(name + ": NIfTI-2 is not supported: convert it to NIfTI-1");
  }
  const bool swap = swapped(header.sizeof_hdr) == 348;
  if (!swap && header.sizeof_hdr != 348) {
    throw_corrupt(name + ": neither NIfTI-1 nor Analyze 7.5 (sizeof_hdr is not 348)");
  }
  const auto dim = [&](int i) { return swap ? swapped(header.dim[i]) : header.dim[i]; };
  if (dim(0) < 1 || dim(0) > 7) {
    throw_corrupt(name + ": dim[0] is " + std::to_string(dim(0)) + ", must be 1 to 7");
  }
  if (dim(0) < 3) throw_invalid(name + ": has " + std::to_string(dim(0)) + " dimensions, need 3");
  for (int i = 1; i <= dim(0); ++i) {
    if (dim(i) < 1 || dim(i) > kSideMax) {
      throw_corrupt(name + ": dim[" + std::to_string(i) + "] is " + std::to_string(dim(i)) +
                    ", must be 1 to " + std::to_string(kSideMax));
    }
    if (i > 3 && dim(i) != 1) {
      throw_invalid(name + ": dim[" + std::to_string(i) + "] is " + std::to_string(dim(i)) +
                    ", only volumes with one frame are supported");
    }
  }
  // Analyze 7.5 has no magic, and its vox_offset is used all the same.
  const float offset = swap ? swapped(header.vox_offset) : header.vox_offset;
  if (!std::isfinite(offset) || offset < 0 || offset > 1e9F) {
    throw_corrupt(name + ": vox_offset is not a possible file offset");
  }
}

struct SourceType {
  Element element;
  bool known;
};

SourceType source_type(int datatype) {
  switch (datatype) {
    case DT_UINT8:
      return {Element::UInt8, true};
    case DT_INT8:
    case DT_INT16:
      return {Element::Int16, true};
    case DT_UINT16:
      return {Element::UInt16, true};
    case DT_INT32:
    case DT_UINT32:
    case DT_INT64:
    case DT_UINT64:
    case DT_FLOAT32:
    case DT_FLOAT64:
      return {Element::Float32, true};
    default:
      return {Element::Float32, false};
  }
}

template <typename T>
std::vector<float> convert(const void* data, std::size_t count) {
  std::vector<float> values(count);
  const char* bytes = static_cast<const char*>(data);
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    values[i] = static_cast<float>(value);
  }
  return values;
}

std::vector<float> convert(int datatype, const void* data, std::size_t count) {
  switch (datatype) {
    case DT_UINT8:
      return convert<std::uint8_t>(data, count);
    case DT_INT8:
      return convert<std::int8_t>(data, count);
    case DT_INT16:
      return convert<std::int16_t>(data, count);
    case DT_UINT16:
      return convert<std::uint16_t>(data, count);
    case DT_INT32:
      return convert<std::int32_t>(data, count);
    case DT_UINT32:
      return convert<std::uint32_t>(data, count);
    case DT_INT64:
      return convert<std::int64_t>(data, count);
    case DT_UINT64:
      return convert<std::uint64_t>(data, count);
    case DT_FLOAT64:
      return convert<double>(data, count);
    default:
      return convert<float>(data, count);
  }
}

/// Reads and byte-swaps the voxels. Not nifti_image_load, which searches for the file once more
/// and, where a.nii lies beside a.nii.gz, takes the header of one and the voxels of the other.
std::vector<std::byte> load_voxels(nifti_image& image, std::uint64_t bytes) {
  std::vector<std::byte> voxels(bytes);
  znzFile file = znzopen(image.iname, "rb", nifti_is_gzfile(image.iname));
  if (znz_isnull(file)) throw_invalid(std::string(image.iname) + ": cannot open");
  const bool whole = znzseek(file, static_cast<long>(image.iname_offset), SEEK_SET) >= 0 &&
                     nifti_read_buffer(file, voxels.data(), bytes, &image) == bytes;
  znzclose(file);
  if (!whole) throw_corrupt(std::string(image.iname) + ": cannot read voxels");
  return voxels;
}

/// The header of a pair may be asked for by either name; niftiio parses the .hdr.
fs::path header_path(const fs::path& path) {
  std::string name = path.string();
  const bool gz = name.ends_with(".img.gz");
  if (!gz && !name.ends_with(".img")) return path;
  name.replace(name.rfind(".img"), 4, ".hdr");
  if (gz && !fs::exists(name)) name.resize(name.size() - 3);
  return name;
}

}  // namespace

std::size_t Volume::voxels() const {
  return static_cast<std::size_t>(dims[0]) * static_cast<std::size_t>(dims[1]) *
         static_cast<std::size_t>(dims[2]);
}

float Volume::at(int x, int y, int z) const {
  return values[(static_cast<std::size_t>(z) * dims[1] + y) * dims[0] + x];
}

std::string Volume::shape() const {
  std::string text;
  for (const int side : dims) {
    text += text.empty() ? '[' : ',';
    if (text.size() > 1) text += ' ';
    text += std::to_string(side);
  }
  return text + ']';
}

Volume read_volume(const fs::path& path) {
  nifti_set_debug_level(0);
  const fs::path header_file = header_path(path);
  if (!fs::is_regular_file(header_file)) {
    throw_invalid(header_file.string() + ": no such volume");
  }
  check_header(header_file);
  const Image image(nifti_image_read(header_file.c_str(), 0));
  if (!image) throw_corrupt(header_file.string() + ": unreadable header, or its .img is missing");
  const std::string name = path.string();
  if (image->nifti_type == NIFTI_FTYPE_NIFTI1_1) {
    std::free(image->iname);
    image->iname = nifti_strdup(header_file.c_str());
  }

  const SourceType type = source_type(image->datatype);
  if (!type.known) {
    throw_invalid(name + ": datatype " + nifti_datatype_string(image->datatype) +
                  " is not supported: need integers or real numbers");
  }
  const std::uint64_t count = static_cast<std::uint64_t>(image->nx) *
                              static_cast<std::uint64_t>(image->ny) *
                              static_cast<std::uint64_t>(image->nz);
  const std::uint64_t needed = count * static_cast<std::uint64_t>(image->nbyper);
  if (image->iname == nullptr || !fs::is_regular_file(image->iname)) {
    throw_invalid(name + ": the .img file of this header is missing");
  }
  const std::uint64_t size = checked_size(image->iname);
  if (image->iname_offset < 0 || needed + static_cast<std::uint64_t>(image->iname_offset) > size) {
    throw_corrupt(std::string(image->iname) + ": has " + std::to_string(size) +
                  " bytes, its header needs " +
                  std::to_string(needed + static_cast<std::uint64_t>(image->iname_offset)));
  }
  const std::vector<std::byte> voxels = load_voxels(*image, needed);

  Volume volume;
  volume.path = path;
  volume.dims = {static_cast<int>(image->nx), static_cast<int>(image->ny),
                 static_cast<int>(image->nz)};
  const std::array<double, 3> spacing{image->dx, image->dy, image->dz};
  for (std::size_t i = 0; i < 3; ++i) {
    // Analyze headers in the wild hold zero, negative or denormal spacings.
    const double mm = std::abs(spacing[i]);
    volume.voxel_mm[i] = std::isfinite(mm) && mm > 1e-6 ? mm : 1.0;
  }
  volume.element = type.element;
  const double slope = image->scl_slope;
  const double intercept = image->scl_inter;
  if (std::isfinite(slope) && slope != 0) {
    volume.slope = slope;
    volume.intercept = std::isfinite(intercept) ? intercept : 0;
  }
  volume.values = convert(image->datatype, voxels.data(), count);
  return volume;
}

}  // namespace reprise::datasets
