#include "datasets_h5/volume.h"

#include <zlib.h>

#include <cstring>
#include <limits>

#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

template <typename T>
void poke(std::string& bytes, std::size_t offset, T value) {
  std::memcpy(&bytes[offset], &value, sizeof(T));
}

/// A .nii of a counting volume whose header a test then damages.
std::string nifti_bytes(const TempFolder& folder) {
  write_nifti(folder / "whole.nii", counting_volume({4, 3, 2}));
  return read_bytes(folder / "whole.nii");
}

TEST(Volume, NiftiRoundTripKeepsOrderTypeAndScaling) {
  const TempFolder folder;
  for (const char* name : {"a.nii", "a.nii.gz"}) {
    for (const Element element : {Element::Int16, Element::UInt8}) {
      Volume volume = counting_volume({4, 3, 2}, element);
      volume.slope = 2.5;
      volume.intercept = -7;
      write_nifti(folder / name, volume);
      const Volume read = read_volume(folder / name);
      EXPECT_EQ(read.dims, volume.dims);
      EXPECT_EQ(read.element, element);
      EXPECT_EQ(read.values, volume.values);
      EXPECT_EQ(read.slope, 2.5);
      EXPECT_EQ(read.intercept, -7);
      EXPECT_EQ(read.voxel_mm, volume.voxel_mm);
      EXPECT_EQ(read.at(1, 2, 1), 1 + 1 + 4 * (2 + 3 * 1));
    }
  }
}

TEST(Volume, AnalyzePairIsReadByEitherName) {
  const TempFolder folder;
  const Volume volume = counting_volume({4, 3, 2});
  write_analyze(folder / "a.hdr", volume);
  EXPECT_EQ(read_volume(folder / "a.hdr").values, volume.values);
  EXPECT_EQ(read_volume(folder / "a.img").values, volume.values);
}

TEST(Volume, BigEndianAnalyzeWithSingletonFrameAndJunkSpacing) {
  const TempFolder folder;
  const auto be16 = [](std::string& bytes, std::size_t at, int value) {
    bytes[at] = static_cast<char>(value >> 8);
    bytes[at + 1] = static_cast<char>(value & 255);
  };
  std::string header(348, '\0');
  be16(header, 2, 348);  // The int32 sizeof_hdr.
  const int dims[] = {4, 3, 2, 2, 1};
  for (int i = 0; i < 5; ++i) be16(header, 40 + 2 * i, dims[i]);
  be16(header, 70, 4);  // int16
  be16(header, 72, 16);
  for (int i = 1; i < 4; ++i) header.replace(76 + 4 * i, 2, "\x3f\x80");  // 1.0F
  header.replace(76 + 4 * 4, 4, std::string("\x00\x00\x12\x34", 4));      // Denormal junk.
  std::string voxels(24, '\0');
  for (int i = 0; i < 12; ++i) be16(voxels, 2 * i, 300 + i);
  write_bytes(folder / "o.hdr", header);
  write_bytes(folder / "o.img", voxels);
  const Volume volume = read_volume(folder / "o.hdr");
  EXPECT_EQ(volume.dims, (std::array<int, 3>{3, 2, 2}));
  EXPECT_EQ(volume.values.front(), 300);
  EXPECT_EQ(volume.values.back(), 311);
  EXPECT_EQ(volume.slope, 1);
}

TEST(Volume, SlopeZeroMeansNone) {
  const TempFolder folder;
  std::string bytes = nifti_bytes(folder);
  poke(bytes, 112, 0.0F);
  poke(bytes, 116, 55.0F);
  write_bytes(folder / "z.nii", bytes);
  EXPECT_EQ(read_volume(folder / "z.nii").slope, 1);
  EXPECT_EQ(read_volume(folder / "z.nii").intercept, 0);
}

TEST(Volume, RefusesWhatItCannotRead) {
  const TempFolder folder;
  const std::string whole = nifti_bytes(folder);
  const auto refuse = [&](ErrorCode code, const std::string& part, std::size_t at, auto value) {
    std::string bytes = whole;
    poke(bytes, at, value);
    write_bytes(folder / "bad.nii", bytes);
    expect_error(code, part, [&] { read_volume(folder / "bad.nii"); });
    expect_error(code, "bad.nii", [&] { read_volume(folder / "bad.nii"); });
  };
  using I = std::int16_t;
  refuse(ErrorCode::Corrupt, "NIfTI-2", 0, std::int32_t{540});
  refuse(ErrorCode::Corrupt, "sizeof_hdr", 0, std::int32_t{12});
  refuse(ErrorCode::Corrupt, "dim[0]", 40, I{9});
  refuse(ErrorCode::InvalidInput, "2 dimensions", 40, I{2});
  refuse(ErrorCode::Corrupt, "dim[2]", 44, I{-3});
  refuse(ErrorCode::Corrupt, "dim[1]", 42, I{32767});
  refuse(ErrorCode::Corrupt, "header needs", 46, I{8000});
  refuse(ErrorCode::InvalidInput, "datatype", 70, I{128});  // RGB
  refuse(ErrorCode::InvalidInput, "datatype", 70, I{32});   // complex
  refuse(ErrorCode::Corrupt, "vox_offset", 108, std::numeric_limits<float>::quiet_NaN());
  std::string frames = whole;
  poke(frames, 40, I{4});
  poke(frames, 48, I{5});
  write_bytes(folder / "bad.nii", frames);
  expect_error(ErrorCode::InvalidInput, "choose one frame",
               [&] { read_volume(folder / "bad.nii"); });
  expect_error(ErrorCode::InvalidInput, "no such", [&] { read_volume(folder / "none.nii"); });
}

TEST(Volume, EveryTruncationIsCorrupt) {
  const TempFolder folder;
  write_nifti(folder / "whole.nii.gz", counting_volume({6, 5, 4}));
  for (const char* name : {"whole.nii", "whole.nii.gz"}) {
    if (std::string(name) == "whole.nii") nifti_bytes(folder);
    const std::string bytes = read_bytes(folder / name);
    for (std::size_t size = 1; size < bytes.size(); size += 3) {
      write_bytes(folder / (std::string("cut-") + name), bytes.substr(0, size));
      expect_error(ErrorCode::Corrupt, "cut-",
                   [&] { read_volume(folder / (std::string("cut-") + name)); });
    }
  }
}

TEST(Volume, FlippedBitInGzipIsCorrupt) {
  const TempFolder folder;
  write_nifti(folder / "whole.nii.gz", counting_volume({16, 16, 8}));
  std::string bytes = read_bytes(folder / "whole.nii.gz");
  bytes[bytes.size() - 20] = static_cast<char>(bytes[bytes.size() - 20] ^ 4);
  write_bytes(folder / "flip.nii.gz", bytes);
  expect_error(ErrorCode::Corrupt, "flip", [&] { read_volume(folder / "flip.nii.gz"); });
}

TEST(Volume, MissingImageOfAPairIsNamed) {
  const TempFolder folder;
  write_analyze(folder / "a.hdr", counting_volume({4, 3, 2}));
  std::filesystem::remove(folder / "a.img");
  EXPECT_THROW(read_volume(folder / "a.hdr"), Error);
}

}  // namespace
}  // namespace reprise::datasets::testing
