#pragma once
/// A picture of a data set: slices with their labels painted over them.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets_h5/dataset_file.h"

namespace reprise::datasets {

struct SheetOptions {
  std::string split = "train";
  int slices = 12;            ///< How many, evenly spaced over the split.
  int cell_pixels_max = 256;  ///< Larger slices are reduced by a whole factor.
};

/// One line of the sheet's legend.
struct SheetCell {
  std::string subject;
  int slice = 0;  ///< Of the split.
};

struct Sheet {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> rgb;  ///< [height, width, 3].
  std::vector<SheetCell> cells;   ///< In reading order; each shows its channels, then the labels.
};

/// The colour of a label (1, 2, ...); colours repeat after eight.
std::array<std::uint8_t, 3> label_colour(int label);

/// Errors: InvalidInput (split, a count below 1), Corrupt.
Sheet make_sheet(const DatasetFile& file, const SheetOptions& options);

/// Writes it as PNG, atomically. Errors: Unavailable, Exhausted.
void write_png(const std::filesystem::path& path, const Sheet& sheet);

}  // namespace reprise::datasets
