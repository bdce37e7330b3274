/// Data set files made to harm: other people's files behind links and external storage, arrays that
/// claim or inflate to more than there is, cycles. Each is refused, and costs no memory.

#include <hdf5.h>
#include <sys/resource.h>

#include <functional>

#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

namespace fs = std::filesystem;

Dataset sound_dataset() {
  Dataset dataset;
  DatasetInfo& info = dataset.info;
  info.name = "toy";
  info.importer = "test";
  info.options = "{}";
  info.label_names = {"background", "spot"};
  info.label_groups = {{"T", {1}}};
  info.sources = {{"a.nii.gz", std::string(64, 'a')}};
  info.element = Element::UInt8;
  info.count = 2;
  info.channels = 1;
  info.height = 8;
  info.width = 8;
  info.slice_subject = {0, 1};
  info.subjects = {{"first", "train", {1}, {0}, {0}, {1}, {1, 1, 1}},
                   {"second", "test", {1}, {0}, {0}, {1}, {1, 1, 1}}};
  dataset.images.assign(128, 1.0F);
  dataset.labels.assign(128, 1);
  return dataset;
}

/// The dataset /images of a sound file, replaced.
class HostileDataset : public ::testing::Test {
 protected:
  void SetUp() override {
    write_dataset(file_, sound_dataset());
    before_ = resident_kib();
  }
  static long resident_kib() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  }

  /// `make` makes /images anew in the open file.
  void replace(const std::function<void(hid_t file)>& make) const {
    const hid_t file = H5Fopen(file_.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(file, 0);
    ASSERT_GE(H5Ldelete(file, "images", H5P_DEFAULT), 0);
    make(file);
    H5Fclose(file);
  }

  static void make_array(hid_t file, const std::vector<hsize_t>& shape,
                         const std::function<void(hid_t list)>& set) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    set(list);
    const hid_t data =
        H5Dcreate2(file, "images", H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    EXPECT_GE(data, 0);
    H5Dclose(data);
    H5Pclose(list);
    H5Sclose(space);
  }

  void expect_refused(const std::string& what) const {
    try {
      const DatasetFile dataset = DatasetFile::open(file_);
      dataset.load("train");
      dataset.verify();
      ADD_FAILURE() << what << ": was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Corrupt) << what << ": " << error.what();
      EXPECT_NE(std::string(error.what()).find(file_.string()), std::string::npos) << error.what();
    }
#ifndef REPRISE_SANITIZED  // Which keeps what was freed.
    EXPECT_LT(resident_kib() - before_, 16 << 10) << what << ": KiB more memory";
#endif
  }

  TempFolder folder_;
  fs::path file_ = folder_ / "toy.h5";
  long before_ = 0;
};

TEST_F(HostileDataset, TheSoundOneIsRead) {
  EXPECT_EQ(DatasetFile::open(file_).load("train").images.size(), 64U);
}

TEST_F(HostileDataset, ExternalStorageReadsNoOtherFile) {
  for (const char* other : {"/etc/passwd", "../../../../../../../../etc/passwd", "/dev/zero"}) {
    SetUp();
    replace([&](hid_t file) {
      make_array(file, {2, 1, 8, 8}, [&](hid_t list) { H5Pset_external(list, other, 0, 128); });
    });
    expect_refused(other);
  }
}

TEST_F(HostileDataset, LinksLeadNowhere) {
  const fs::path other = folder_ / "other.h5";
  write_dataset(other, sound_dataset());
  replace([&](hid_t file) {
    H5Lcreate_external(other.c_str(), "images", file, "images", H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused("external link");
  SetUp();
  replace([](hid_t file) { H5Lcreate_soft("/labels", file, "images", H5P_DEFAULT, H5P_DEFAULT); });
  expect_refused("soft link");
  SetUp();
  replace([](hid_t file) { H5Lcreate_soft("/images", file, "images", H5P_DEFAULT, H5P_DEFAULT); });
  expect_refused("a link to itself");
  SetUp();
  replace([](hid_t file) { H5Lcreate_hard(file, "/", file, "images", H5P_DEFAULT, H5P_DEFAULT); });
  expect_refused("a group that holds itself");
}

TEST_F(HostileDataset, VirtualArraysReadNoOtherFile) {
  const fs::path other = folder_ / "other.h5";
  write_dataset(other, sound_dataset());
  replace([&](hid_t file) {
    const std::vector<hsize_t> shape{2, 1, 8, 8};
    const hid_t source = H5Screate_simple(4, shape.data(), nullptr);
    make_array(file, shape,
               [&](hid_t list) { H5Pset_virtual(list, source, other.c_str(), "images", source); });
    H5Sclose(source);
  });
  expect_refused("virtual");
}

TEST_F(HostileDataset, ArraysThatClaimTheWorld) {
  const std::vector<std::vector<hsize_t>> shapes{
      {2, 1, hsize_t{1} << 20, hsize_t{1} << 20},  // 2 TiB in a few kilobytes.
      {hsize_t{1} << 40, 1, 8, 8},
      {2, 1, hsize_t{1} << 31, hsize_t{1} << 31},
      {2, hsize_t{1} << 30, 8, 8}};
  for (const auto& shape : shapes) {
    SetUp();
    replace([&](hid_t file) {
      make_array(file, shape, [](hid_t list) {
        const std::vector<hsize_t> chunk{1, 1, 8, 8};
        H5Pset_chunk(list, 4, chunk.data());
        H5Pset_deflate(list, 9);
      });
    });
    expect_refused("a claim of many bytes");
  }
}

TEST_F(HostileDataset, CompressedTwiceIsRefused) {
  // Each deflate is 1000 : 1; two of them are a bomb of a million.
  replace([](hid_t file) {
    make_array(file, {2, 1, 8, 8}, [](hid_t list) {
      const std::vector<hsize_t> chunk{1, 1, 8, 8};
      H5Pset_chunk(list, 4, chunk.data());
      H5Pset_deflate(list, 9);
      H5Pset_deflate(list, 9);
    });
  });
  expect_refused("deflated twice");
}

}  // namespace
}  // namespace reprise::datasets::testing
