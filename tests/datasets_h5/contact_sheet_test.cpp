#include "datasets_h5/contact_sheet.h"

#include <png.h>

#include <cstring>

#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

/// Four slices of 2 channels, 8x6: channel 0 rises with the slice, one labelled pixel at (2, 3).
void write_small(const std::filesystem::path& path) {
  Dataset dataset;
  DatasetInfo& info = dataset.info;
  info.name = "toy";
  info.importer = "test";
  info.options = "{}";
  info.label_names = {"background", "spot"};
  info.element = Element::UInt8;
  info.count = 4;
  info.channels = 2;
  info.height = 8;
  info.width = 6;
  info.slice_subject = {0, 0, 0, 0};
  info.subjects = {{"one", "train", {1, 1}, {0, 0}, {0, 0}, {100, 100}, {1, 1, 1}}};
  for (int n = 0; n < 4; ++n) {
    for (int c = 0; c < 2; ++c)
      dataset.images.insert(dataset.images.end(), 48,
                            c == 0 ? 20.0F * static_cast<float>(n) : 100.0F);
    std::vector<std::uint8_t> labels(48, 0);
    labels[2 * 6 + 3] = 1;
    dataset.labels.insert(dataset.labels.end(), labels.begin(), labels.end());
  }
  write_dataset(path, dataset);
}

TEST(ContactSheet, ShowsChannelsThenLabels) {
  const TempFolder folder;
  write_small(folder / "d.h5");
  const Sheet sheet = make_sheet(DatasetFile::open(folder / "d.h5"),
                                 {.split = "train", .slices = 2, .cell_pixels_max = 256});
  ASSERT_EQ(sheet.cells.size(), 2U);
  EXPECT_EQ(sheet.cells[0].slice, 1);  // Middles of two halves.
  EXPECT_EQ(sheet.cells[1].slice, 3);
  EXPECT_EQ(sheet.height, 4 + 8 + 4);
  EXPECT_EQ(sheet.width, 4 + 2 * (3 * 7 - 1 + 4));
  const auto at = [&](int y, int x) {
    return &sheet.rgb[3 * (static_cast<std::size_t>(y) * sheet.width + x)];
  };
  EXPECT_EQ(*at(4, 4), 51);                // 0.2
  EXPECT_EQ(*at(4, 4 + 7), 255);           // The second channel.
  EXPECT_EQ(*at(4, 4 + 24), 153);          // 0.6, the second cell.
  EXPECT_EQ(*at(4, 4 + 14), 51);           // Unlabelled pixels are the first channel.
  EXPECT_GT(*at(4 + 2, 4 + 14 + 3), 120);  // 0.55 * 51 + 0.45 * 230
  EXPECT_EQ(*at(0, 0), 40);
}

TEST(ContactSheet, LargeSlicesAreReduced) {
  const TempFolder folder;
  write_small(folder / "d.h5");
  const Sheet sheet = make_sheet(DatasetFile::open(folder / "d.h5"),
                                 {.split = "train", .slices = 1, .cell_pixels_max = 4});
  EXPECT_EQ(sheet.height, 4 + 4 + 4);
  EXPECT_EQ(sheet.rgb[3 * (4 * static_cast<std::size_t>(sheet.width) + 4)], 102);  // Slice 2.
}

TEST(ContactSheet, WritesAPngThatReadsBack) {
  const TempFolder folder;
  write_small(folder / "d.h5");
  const Sheet sheet = make_sheet(DatasetFile::open(folder / "d.h5"), {});
  write_png(folder / "d.png", sheet);
  png_image image;
  std::memset(&image, 0, sizeof(image));
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_file(&image, (folder / "d.png").c_str()), 0);
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> rgb(PNG_IMAGE_SIZE(image));
  ASSERT_NE(png_image_finish_read(&image, nullptr, rgb.data(), 0, nullptr), 0);
  EXPECT_EQ(static_cast<int>(image.width), sheet.width);
  EXPECT_EQ(rgb, sheet.rgb);
}

TEST(ContactSheet, RefusesWhatIsNotThere) {
  const TempFolder folder;
  write_small(folder / "d.h5");
  const DatasetFile file = DatasetFile::open(folder / "d.h5");
  expect_error(ErrorCode::InvalidInput, "\"test\" is empty",
               [&] { make_sheet(file, {.split = "test", .slices = 1, .cell_pixels_max = 256}); });
  expect_error(ErrorCode::InvalidInput, "no slices",
               [&] { make_sheet(file, {.split = "train", .slices = 0, .cell_pixels_max = 256}); });
}

}  // namespace
}  // namespace reprise::datasets::testing
