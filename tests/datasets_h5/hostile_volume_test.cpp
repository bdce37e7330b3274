/// Volumes made to harm: headers that claim the world, compressed files that never end. Each is an
/// error that names the file, and costs no memory.

#include <sys/resource.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeader = 352;

/// A sound NIfTI-1 volume of 4 x 4 x 2 bytes, fields of which a test then spoils.
class Bytes {
 public:
  Bytes() : bytes_(kHeader + 32, '\0') {
    put(0, std::int32_t{348});
    dims({3, 4, 4, 2, 1, 1, 1, 1});
    put(70, std::int16_t{2});
    put(72, std::int16_t{8});
    put(108, static_cast<float>(kHeader));
    bytes_.replace(344, 3, "n+1");
  }
  template <typename T>
  Bytes& put(std::size_t at, T value) {
    std::memcpy(&bytes_.at(at), &value, sizeof value);
    return *this;
  }
  Bytes& dims(const std::array<std::int16_t, 8>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) put(40 + 2 * i, values.at(i));
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return bytes_; }

 private:
  std::string bytes_;
};

void write_gz(const fs::path& path, const std::string& head, std::uint64_t zeros) {
  const gzFile file = gzopen(path.c_str(), "wb9");
  gzwrite(file, head.data(), static_cast<unsigned>(head.size()));
  const std::string block(1U << 20U, '\0');
  for (; zeros > 0; zeros -= std::min<std::uint64_t>(zeros, block.size())) {
    gzwrite(file, block.data(),
            static_cast<unsigned>(std::min<std::uint64_t>(zeros, block.size())));
  }
  gzclose(file);
}

long resident_kib_max() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// Refused with the file's name in one line.
void expect_refused(const fs::path& path, const std::string& what) {
  try {
    (void)read_volume(path);
    ADD_FAILURE() << what << ": was read";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_TRUE(error.code() == ErrorCode::Corrupt || error.code() == ErrorCode::InvalidInput)
        << what << ": " << text;
    EXPECT_NE(text.find(path.string()), std::string::npos) << what << ": " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << what << ": " << text;
  }
}

class HostileVolume : public ::testing::Test {
 protected:
  void TearDown() override {
#ifndef REPRISE_SANITIZED  // Which keeps what was freed.
    EXPECT_LT(resident_kib_max() - before_, 16 << 10) << "KiB more memory";
#endif
  }
  TempFolder folder_;
  long before_ = resident_kib_max();
};

TEST_F(HostileVolume, TheSoundOneIsRead) {
  write_bytes(folder_ / "sound.nii", Bytes().text());
  EXPECT_EQ(read_volume(folder_ / "sound.nii").voxels(), 32U);
}

TEST_F(HostileVolume, DimensionsThatCannotBe) {
  constexpr std::int16_t kMax = 32767;
  const std::vector<std::array<std::int16_t, 8>> all{{7, kMax, kMax, kMax, kMax, kMax, kMax, kMax},
                                                     {3, kMax, kMax, kMax, 1, 1, 1, 1},
                                                     {3, kMax, kMax, 1, 1, 1, 1, 1},
                                                     {3, -1, 4, 2, 1, 1, 1, 1},
                                                     {3, 4, -32768, 2, 1, 1, 1, 1},
                                                     {3, -4, -4, 2, 1, 1, 1, 1},
                                                     {3, 0, 4, 2, 1, 1, 1, 1},
                                                     {-3, 4, 4, 2, 1, 1, 1, 1},
                                                     {8, 4, 4, 2, 1, 1, 1, 1},
                                                     {kMax, 4, 4, 2, 1, 1, 1, 1},
                                                     {4, 4, 4, 2, kMax, 1, 1, 1},
                                                     {5, 4, 4, 2, 1, kMax, 1, 1}};
  for (const auto& dims : all) {
    const std::string what = std::to_string(dims[0]) + ": " + std::to_string(dims[1]) + ", " +
                             std::to_string(dims[2]) + ", " + std::to_string(dims[3]);
    write_bytes(folder_ / "dims.nii", Bytes().dims(dims).text());
    expect_refused(folder_ / "dims.nii", what);
    write_gz(folder_ / "dims.nii.gz", Bytes().dims(dims).text(), 0);
    expect_refused(folder_ / "dims.nii.gz", what + " compressed");
  }
}

TEST_F(HostileVolume, OffsetsThatCannotBe) {
  // A file large enough that its size alone does not give the offset away.
  const std::string ballast(4U << 20U, '\1');
  for (const float offset : {1e9F, 4e9F, 1e18F, 1e30F, std::numeric_limits<float>::infinity()}) {
    write_bytes(folder_ / "offset.nii", Bytes().put(108, offset).text() + ballast);
    expect_refused(folder_ / "offset.nii", "offset " + std::to_string(offset));
  }
}

TEST_F(HostileVolume, OffsetsThatAreNoNumbersChangeNothing) {
  // Voxels never begin inside the header, whatever it says.
  for (const float offset : {std::nanf(""), -1.0F, -1e30F, 0.0F, 17.0F}) {
    write_bytes(folder_ / "offset.nii", Bytes().put(108, offset).text());
    try {
      EXPECT_EQ(read_volume(folder_ / "offset.nii").voxels(), 32U);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("offset.nii"), std::string::npos);
    }
  }
}

TEST_F(HostileVolume, TypesAndSizesThatDoNotFit) {
  for (const std::int16_t type : {-1, 0, 1, 3, 32, 128, 255, 1536, 1792, 2048, 2304, 32767}) {
    write_bytes(folder_ / "type.nii", Bytes().put(70, std::int16_t{type}).text());
    expect_refused(folder_ / "type.nii", "type " + std::to_string(type));
  }
  // A double's eight bytes a voxel are not there, whatever bitpix says.
  write_bytes(folder_ / "type.nii", Bytes().put(70, std::int16_t{64}).text());
  expect_refused(folder_ / "type.nii", "doubles");
  for (const std::int32_t size : {0, -1, 347, 349, 540, 1 << 30, 0x1c020000}) {
    write_bytes(folder_ / "size.nii", Bytes().put(0, size).text());
    expect_refused(folder_ / "size.nii", "sizeof_hdr " + std::to_string(size));
  }
}

TEST_F(HostileVolume, NiftiTwoWithSidesOfSixtyFourBits) {
  for (const std::int64_t side :
       {std::int64_t{1} << 31, std::int64_t{1} << 32, (std::int64_t{1} << 32) + 4,
        std::int64_t{1} << 62, std::numeric_limits<std::int64_t>::max(), std::int64_t{-4}}) {
    std::string bytes(544 + 64, '\0');
    const auto put = [&](std::size_t at, auto value) {
      std::memcpy(&bytes.at(at), &value, sizeof value);
    };
    put(0, std::int32_t{540});
    bytes.replace(4, 8, std::string("n+2\0\r\n\x1a\n", 8));
    put(12, std::int16_t{2});
    put(14, std::int16_t{8});
    const std::array<std::int64_t, 8> dims{3, side, 4, 2, 1, 1, 1, 1};
    std::memcpy(&bytes.at(16), dims.data(), sizeof dims);
    put(168, std::int64_t{544});
    write_bytes(folder_ / "two.nii", bytes);
    expect_refused(folder_ / "two.nii", "side " + std::to_string(side));
  }
}

TEST_F(HostileVolume, CompressedFilesThatNeverEnd) {
  constexpr std::uint64_t kMany = 256U << 20U;  // 1000 : 1 on the disk.
  // More than the header speaks of: left behind soon after the last voxel.
  write_gz(folder_ / "goes-on.nii.gz", Bytes().text(), kMany);
  EXPECT_LT(fs::file_size(folder_ / "goes-on.nii.gz"), kMany / 900);
  expect_error(ErrorCode::Corrupt, "goes on long after its last voxel",
               [&] { read_volume(folder_ / "goes-on.nii.gz"); });
  // One inside another is not opened twice.
  const std::string inner = read_bytes(folder_ / "goes-on.nii.gz");
  write_gz(folder_ / "nested.nii.gz", inner, 0);
  expect_refused(folder_ / "nested.nii.gz", "nested");
  // Voxels that are claimed and not there.
  write_gz(folder_ / "claims.nii.gz", Bytes().dims({3, 32000, 32000, 1, 1, 1, 1, 1}).text(), 0);
  expect_refused(folder_ / "claims.nii.gz", "claims");
  // An offset that lies behind all that was ever compressed.
  write_gz(folder_ / "offset.nii.gz", Bytes().put(108, 3e8F).text(), kMany);
  expect_refused(folder_ / "offset.nii.gz", "offset");
}

}  // namespace
}  // namespace reprise::datasets::testing
