#include "datasets_h5/dataset_file.h"

#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

/// Three slices of 2 channels, 6x7: two of a training subject, one of a test subject.
Dataset small_dataset(Element element = Element::Int16) {
  Dataset dataset;
  DatasetInfo& info = dataset.info;
  info.name = "toy";
  info.importer = "test";
  info.options = "{}";
  info.label_names = {"background", "spot \"x\""};
  info.label_groups = {{"all", {1}}, {"T", {1}}};
  info.sources = {{"a.nii.gz", std::string(64, 'a')}};
  info.element = element;
  info.count = 3;
  info.channels = 2;
  info.height = 6;
  info.width = 7;
  info.slice_subject = {0, 1, 0};
  info.subjects = {{"first", "train", {1, 2}, {0, 10}, {0, 10}, {251, 512}, {1, 1, 2}},
                   {"second", "test", {1, 1}, {0, 0}, {0, 0}, {251, 251}, {1, 1, 1}}};
  for (int i = 0; i < 3 * 2 * 42; ++i) dataset.images.push_back(static_cast<float>(i));
  for (int i = 0; i < 3 * 42; ++i) dataset.labels.push_back(static_cast<std::uint8_t>(i % 2));
  return dataset;
}

TEST(DatasetFile, RoundTripInEveryType) {
  const TempFolder folder;
  for (const Element element :
       {Element::UInt8, Element::Int16, Element::UInt16, Element::Float32}) {
    const std::string digest = write_dataset(folder / "d.h5", small_dataset(element));
    const DatasetInfo read = info(folder / "d.h5");
    EXPECT_EQ(read.element, element);
    EXPECT_EQ(read.digest, digest);
    EXPECT_EQ(read.label_names[1], "spot \"x\"");
    EXPECT_EQ(read.label_groups, small_dataset().info.label_groups);
    EXPECT_EQ(read.subjects[0].intercept, (std::vector<double>{0, 10}));
    EXPECT_EQ(read.sources[0].path, "a.nii.gz");
    verify(folder / "d.h5");
    const auto train = read_split(folder / "d.h5", "train");
    EXPECT_EQ(train.count, 2);
    EXPECT_EQ(train.subject_ids, std::vector<std::string>{"first"});
    EXPECT_FLOAT_EQ(train.images[5], 5 / 251.0F);
    EXPECT_FLOAT_EQ(train.images[42], 2 * 42 / 502.0F);
    EXPECT_FLOAT_EQ(train.images[84], 168 / 251.0F);
    EXPECT_EQ(train.labels[1], 1);
    EXPECT_EQ(train.digest, digest);
  }
}

TEST(DatasetFile, DigestDependsOnContentNotOnPlace) {
  const TempFolder folder;
  const std::string digest = write_dataset(folder / "a.h5", small_dataset());
  EXPECT_EQ(write_dataset(folder / "b.h5", small_dataset()), digest);
  Dataset pixel = small_dataset();
  pixel.images[17] += 1;
  Dataset label = small_dataset();
  label.labels[17] ^= 1;
  Dataset range = small_dataset();
  range.info.subjects[1].maximum[0] = 252;
  Dataset split = small_dataset();
  split.info.subjects[1].split = "train";
  Dataset group = small_dataset();
  std::swap(group.info.label_groups[0], group.info.label_groups[1]);
  for (const Dataset& changed : {pixel, label, range, split, group}) {
    EXPECT_NE(write_dataset(folder / "c.h5", changed), digest);
  }
}

TEST(DatasetFile, UnknownSplitAndMissingFile) {
  const TempFolder folder;
  write_dataset(folder / "d.h5", small_dataset());
  expect_error(ErrorCode::InvalidInput, "\"valid\"", [&] { read_split(folder / "d.h5", "valid"); });
  expect_error(ErrorCode::InvalidInput, "none.h5", [&] { info(folder / "none.h5"); });
}

/// Opens, loads and verifies; every failure must be a Corrupt that names the file.
bool survives(const std::filesystem::path& path) {
  try {
    const DatasetFile file = DatasetFile::open(path);
    EXPECT_GT(read_split(file, "train").count, 0);
    EXPECT_GT(read_split(file, "test").count, 0);
    file.verify();
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Corrupt) << error.what();
    EXPECT_NE(std::string(error.what()).find(path.filename().string()), std::string::npos)
        << error.what();
    return false;
  }
}

TEST(DatasetFile, EveryTruncationIsCorrupt) {
  const TempFolder folder;
  write_dataset(folder / "d.h5", small_dataset());
  const std::string bytes = read_bytes(folder / "d.h5");
  for (std::size_t size = 0; size < bytes.size(); size += 61) {
    write_bytes(folder / "cut.h5", bytes.substr(0, size));
    EXPECT_FALSE(survives(folder / "cut.h5")) << "cut at " << size;
  }
}

TEST(DatasetFile, FlippedBitsAreCorruptOrHarmless) {
  const TempFolder folder;
  write_dataset(folder / "d.h5", small_dataset());
  const std::string bytes = read_bytes(folder / "d.h5");
  const auto whole = read_split(folder / "d.h5", "train");
  int caught = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    write_bytes(folder / "flip.h5", flipped);
    // Unused space in the file may be flipped without any effect on the content.
    if (!survives(folder / "flip.h5")) {
      ++caught;
    } else {
      EXPECT_EQ(read_split(folder / "flip.h5", "train").images, whole.images) << "bit at " << at;
    }
  }
  EXPECT_GT(caught, 100);
}

TEST(DatasetFile, RewriteLeavesNoTemporaryFile) {
  const TempFolder folder;
  const std::string digest = write_dataset(folder / "d.h5", small_dataset());
  Dataset other = small_dataset();
  other.info.name = "other";
  EXPECT_NE(write_dataset(folder / "d.h5", other), digest);
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    ++files;
  }
  EXPECT_EQ(files, 1) << "a temporary file was left";
}

}  // namespace
}  // namespace reprise::datasets::testing
