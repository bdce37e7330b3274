#include "datasets_h5/volume_header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <memory>
#include <string_view>
#include <vector>

#include "datasets_h5/gz_file.h"
#include "datasets_h5/nifti_image.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSideMax = 8192;
constexpr std::int64_t kVoxelsMax = std::int64_t{1} << 32U;  // 4096^2 x 256, say.

template <typename T>
T swapped(T value) {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

/// Refuses what the library would take: it multiplies sides unchecked, and converts a NaN offset to
/// an integer. `Header` is nifti_1_header or nifti_2_header.
template <typename Header>
void check_sizes(const Header& header, bool swap, const std::string& name) {
  const auto get = [&](auto value) { return swap ? swapped(value) : value; };
  const std::int64_t rank = get(header.dim[0]);
  if (rank < 1 || rank > 7) {
    throw_corrupt(name + ": dim[0] is " + std::to_string(rank) + ", must be 1 to 7");
  }
  if (rank < 3) throw_invalid(name + ": has " + std::to_string(rank) + " dimensions, need 3");
  std::int64_t voxels = 1;
  for (std::int64_t i = 1; i <= rank; ++i) {
    const std::int64_t side = get(header.dim[i]);
    if (side < 1 || (i <= 3 && side > kSideMax)) {
      throw_corrupt(name + ": dim[" + std::to_string(i) + "] is " + std::to_string(side) +
                    ", must be 1 to " + std::to_string(kSideMax));
    }
    if (i > 3 && side != 1) {
      throw_invalid(name + ": dim[" + std::to_string(i) + "] is " + std::to_string(side) +
                    ": a 3-D volume is needed, so choose one frame and store it by itself");
    }
    voxels *= side;
  }
  if (voxels > kVoxelsMax) throw_corrupt(name + ": claims more than 2^32 voxels");
  const auto offset = static_cast<double>(get(header.vox_offset));
  if (!std::isfinite(offset) || offset < 0 || offset > 1e9) {
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

/// Where the axes point, from the sform if there is one, else from the qform.
std::string orientation_of(const nifti_image& image, const std::string& name) {
  if (image.nifti_type == NIFTI_FTYPE_ANALYZE) return "";
  const bool is_sform = image.sform_code > 0;
  if (!is_sform && image.qform_code <= 0) return "";
  const nifti_dmat44& matrix = is_sform ? image.sto_xyz : image.qto_xyz;
  std::array<std::array<double, 3>, 3> axis{};
  for (std::size_t j = 0; j < 3; ++j) {
    double square = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      axis[j][i] = matrix.m[i][j];
      square += axis[j][i] * axis[j][i];
    }
    if (!std::isfinite(square) || square <= 0) return "";  // Says nothing that could be used.
    for (double& part : axis[j]) part /= std::sqrt(square);
  }
  for (std::size_t j = 0; j < 3; ++j) {
    const auto& a = axis[j];
    const auto& b = axis[(j + 1) % 3];
    if (std::abs(a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) > 0.02) {
      throw_invalid(name +
                    ": its axes are not at right angles (sheared sform): resample it to a "
                    "rectangular grid");
    }
  }
  std::array<int, 3> codes{};
  nifti_dmat44_to_orientation(matrix, codes.data(), &codes[1], &codes[2]);
  std::string text;
  for (const int code : codes) {
    // Codes 1 to 6: left to right, right to left, ...; named by where they lead.
    if (code < 1 || code > 6) return "";
    text += "RLAPSI"[code - 1];
  }
  return text;
}

/// The library's view of raw header bytes: byte order, types, transforms. Touches no file.
template <typename Header>
NiftiImage convert(std::span<const std::byte> bytes, bool swap, const std::string& name) {
  Header header{};
  std::memcpy(&header, bytes.data(), sizeof(header));
  check_sizes(header, swap, name);
  // The library trusts the version digit of the magic more than the size of the header, and swaps
  // the bytes of a NIfTI-2 header in a NIfTI-1 buffer. (Found by tests/fuzz/volume_fuzz.cpp.)
  const bool is_first = sizeof(Header) == sizeof(nifti_1_header);
  const std::string_view magic(header.magic, 4);
  const std::string_view single(is_first ? "n+1\0" : "n+2\0", 4);
  const std::string_view pair(is_first ? "ni1\0" : "ni2\0", 4);
  if (magic != single && magic != pair) {
    if (!is_first) throw_corrupt(name + ": a NIfTI-2 header without its magic");
    std::fill(std::begin(header.magic), std::end(header.magic), '\0');  // Analyze 7.5.
  }
  // Other than zeros beyond the rank mislead the library.
  const auto rank = swap ? swapped(header.dim[0]) : header.dim[0];
  for (int i = static_cast<int>(rank) + 1; i < 8; ++i) header.dim[i] = 0;
  nifti_set_debug_level(0);
  if constexpr (sizeof(Header) == sizeof(nifti_1_header)) {
    return NiftiImage(nifti_convert_n1hdr2nim(header, nullptr));
  } else {
    return NiftiImage(nifti_convert_n2hdr2nim(header, nullptr));
  }
}

/// The header of a pair may be asked for by either name.
fs::path header_path(const fs::path& path) {
  std::string name = path.string();
  const bool gz = name.ends_with(".img.gz");
  if (!gz && !name.ends_with(".img")) return path;
  name.replace(name.rfind(".img"), 4, ".hdr");
  if (gz && !fs::exists(name)) name.resize(name.size() - 3);
  if (!gz && !fs::exists(name)) name += ".gz";
  return name;
}

fs::path image_path(const fs::path& header) {
  std::string name = header.string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (!name.ends_with(".hdr")) {
    throw_corrupt(header.string() + ": lacks the magic of a single-file NIfTI, and is no .hdr");
  }
  name.replace(name.size() - 4, 4, ".img");
  if (fs::is_regular_file(name)) return name;
  if (fs::is_regular_file(name + ".gz")) return name + ".gz";
  throw_invalid(header.string() + ": the .img file of this header is missing");
}

}  // namespace

std::size_t VolumeHeader::voxels() const {
  return static_cast<std::size_t>(dims[0]) * static_cast<std::size_t>(dims[1]) *
         static_cast<std::size_t>(dims[2]);
}

std::string VolumeHeader::shape() const {
  return "[" + std::to_string(dims[0]) + ", " + std::to_string(dims[1]) + ", " +
         std::to_string(dims[2]) + "]";
}

ParsedHeader parse_header(std::span<const std::byte> bytes, const fs::path& path) {
  const std::string name = path.string();
  if (bytes.size() < sizeof(nifti_1_header)) {
    throw_corrupt(name + ": shorter than a NIfTI-1 header (348 bytes)");
  }
  std::int32_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof(size));
  const bool swap = size != 348 && size != 540;
  if (swap) size = swapped(size);
  if (size != 348 && size != 540) {
    throw_corrupt(name + ": neither NIfTI nor Analyze 7.5 (sizeof_hdr is not 348 or 540)");
  }
  const bool second = size == 540;
  if (second && bytes.size() < sizeof(nifti_2_header)) {
    throw_corrupt(name + ": shorter than a NIfTI-2 header (540 bytes)");
  }
  const NiftiImage image = second ? convert<nifti_2_header>(bytes, swap, name)
                                  : convert<nifti_1_header>(bytes, swap, name);
  if (!image) throw_corrupt(name + ": unreadable header");

  ParsedHeader parsed;
  VolumeHeader& header = parsed.header;
  header.path = path;
  const SourceType type = source_type(image->datatype);
  if (!type.known) {
    throw_invalid(name + ": datatype " + nifti_datatype_string(image->datatype) +
                  " is not supported: need integers or real numbers");
  }
  header.element = type.element;
  header.dims = {static_cast<int>(image->nx), static_cast<int>(image->ny),
                 static_cast<int>(image->nz)};
  const std::array<double, 3> spacing{image->dx, image->dy, image->dz};
  for (std::size_t i = 0; i < 3; ++i) {
    // Analyze headers in the wild hold zero, negative or denormal spacings.
    const double mm = std::abs(spacing[i]);
    header.voxel_mm[i] = std::isfinite(mm) && mm > 1e-6 && mm < 1e6 ? mm : 1.0;
  }
  // The library leaves scaling to its caller; a slope of 0 means none.
  if (std::isfinite(image->scl_slope) && image->scl_slope != 0) {
    header.slope = image->scl_slope;
    header.intercept = std::isfinite(image->scl_inter) ? image->scl_inter : 0;
  }
  header.orientation = orientation_of(*image, name);
  parsed.single_file =
      image->nifti_type == NIFTI_FTYPE_NIFTI1_1 || image->nifti_type == NIFTI_FTYPE_NIFTI2_1;
  parsed.voxels.offset = static_cast<std::uint64_t>(std::max<std::int64_t>(image->iname_offset, 0));
  if (parsed.single_file) {
    parsed.voxels.offset =
        std::max<std::uint64_t>(parsed.voxels.offset, static_cast<std::uint64_t>(size));
  }
  parsed.voxels.datatype = image->datatype;
  parsed.voxels.bytes_per_voxel = image->nbyper;
  parsed.voxels.swapped = swap;
  return parsed;
}

ParsedHeader read_parsed_header(const fs::path& path) {
  const fs::path file = header_path(path);
  if (!is_readable_file(file)) throw_invalid(file.string() + ": no such volume");
  std::array<std::byte, sizeof(nifti_2_header)> bytes{};
  GzReader reader(file);
  const std::size_t count = reader.read(bytes);
  ParsedHeader parsed = parse_header(std::span(bytes).first(count), file);
  parsed.header.path = path;
  parsed.voxels.file = parsed.single_file ? file : image_path(file);
  return parsed;
}

VolumeHeader read_header(const fs::path& path) { return read_parsed_header(path).header; }

}  // namespace reprise::datasets
