#include "datasets_h5/volume.h"

#include <nifti/nifti2_io.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "datasets_h5/gz_file.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

/// 8 GiB: larger than any clinical volume, small enough to stop a gzip bomb.
constexpr std::uint64_t kBytesMax = 8ULL << 30U;
/// Deflate cannot do better than 1032 : 1.
constexpr std::uint64_t kRatioMax = 1032;
/// Voxels may be followed by this much of something else.
constexpr std::uint64_t kTrailerMax = 1U << 20U;

/// Reads the voxels, then on to the end of the file, where gzip keeps its checksum. Memory grows
/// with what has really been read, never with what a header claims.
std::vector<std::byte> read_voxels(const VoxelLayout& layout, std::uint64_t needed) {
  const std::string name = layout.file.string();
  const auto too_short = [&](std::uint64_t size) {
    throw_corrupt(name + ": has " + std::to_string(size) + " bytes, its header needs " +
                  std::to_string(needed + layout.offset));
  };
  const std::uint64_t on_disk = fs::file_size(layout.file);
  if (needed > kBytesMax) throw_corrupt(name + ": claims more than 8 GiB of voxels");
  if (needed + layout.offset > on_disk * kRatioMax) too_short(on_disk);

  GzReader reader(layout.file);
  std::vector<std::byte> piece(1U << 16U);
  for (std::uint64_t skipped = 0; skipped < layout.offset;) {
    const std::uint64_t wanted = std::min<std::uint64_t>(layout.offset - skipped, piece.size());
    const std::size_t count = reader.read(std::span(piece).first(wanted));
    skipped += count;
    if (count < wanted) too_short(skipped);
  }
  constexpr std::uint64_t kStep = 64U << 20U;
  std::vector<std::byte> voxels;
  while (voxels.size() < needed) {
    const std::size_t old = voxels.size();
    voxels.resize(old + std::min(needed - old, kStep));
    const std::size_t count = reader.read(std::span(voxels).subspan(old));
    if (old + count < voxels.size()) too_short(layout.offset + old + count);
  }
  std::uint64_t trailer = 0;
  while (const std::size_t count = reader.read(piece)) {
    trailer += count;
    if (trailer > kTrailerMax) throw_corrupt(name + ": goes on long after its last voxel");
  }
  return voxels;
}

template <typename T>
std::vector<float> convert(const std::vector<std::byte>& bytes, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<float>(value);
  }
  return values;
}

std::vector<float> convert(int datatype, const std::vector<std::byte>& bytes, std::size_t count) {
  switch (datatype) {
    case DT_UINT8:
      return convert<std::uint8_t>(bytes, count);
    case DT_INT8:
      return convert<std::int8_t>(bytes, count);
    case DT_INT16:
      return convert<std::int16_t>(bytes, count);
    case DT_UINT16:
      return convert<std::uint16_t>(bytes, count);
    case DT_INT32:
      return convert<std::int32_t>(bytes, count);
    case DT_UINT32:
      return convert<std::uint32_t>(bytes, count);
    case DT_INT64:
      return convert<std::int64_t>(bytes, count);
    case DT_UINT64:
      return convert<std::uint64_t>(bytes, count);
    case DT_FLOAT64:
      return convert<double>(bytes, count);
    default:
      return convert<float>(bytes, count);
  }
}

void check_finite(const Volume& volume) {
  const auto bad = std::find_if(volume.values.begin(), volume.values.end(),
                                [](float value) { return !std::isfinite(value); });
  if (bad == volume.values.end()) return;
  const auto at = static_cast<std::size_t>(bad - volume.values.begin());
  const auto width = static_cast<std::size_t>(volume.dims[0]);
  const auto height = static_cast<std::size_t>(volume.dims[1]);
  throw_invalid(volume.path.string() + ": voxel (" + std::to_string(at % width) + ", " +
                std::to_string(at / width % height) + ", " + std::to_string(at / width / height) +
                ") is " + (std::isnan(*bad) ? "NaN" : "infinite"));
}

}  // namespace

float Volume::at(int x, int y, int z) const {
  return values[(static_cast<std::size_t>(z) * dims[1] + y) * dims[0] + x];
}

Volume read_volume(const fs::path& path) {
  const ParsedHeader parsed = read_parsed_header(path);
  Volume volume;
  static_cast<VolumeHeader&>(volume) = parsed.header;
  const std::size_t count = volume.voxels();
  const int width = parsed.voxels.bytes_per_voxel;
  std::vector<std::byte> bytes =
      read_voxels(parsed.voxels, count * static_cast<std::uint64_t>(width));
  if (parsed.voxels.swapped && width > 1) {
    nifti_swap_Nbytes(static_cast<std::int64_t>(count), width, bytes.data());
  }
  volume.values = convert(parsed.voxels.datatype, bytes, count);
  check_finite(volume);
  return volume;
}

}  // namespace reprise::datasets
