#include "datasets_h5/contact_sheet.h"

#include <png.h>

#include <algorithm>
#include <cstring>

#include "datasets_h5/split_reader.h"
#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

constexpr int kGap = 4;            ///< Pixels between cells.
constexpr int kSheetWidth = 1600;  ///< About; a row holds as many cells as fit, at least one.
constexpr double kPaint = 0.45;    ///< Opacity of labels.

/// Where one slice goes and what it looks like.
class Painter {
 public:
  Painter(Sheet& sheet, int channels, int height, int width, int step)
      : sheet_(sheet), channels_(channels), height_(height), width_(width), step_(step) {}

  void paint(int top, int left, const std::vector<float>& image,
             const std::vector<std::uint8_t>& labels) {
    const int rows = height_ / step_;
    const int columns = width_ / step_;
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) {
        const auto at = static_cast<std::size_t>(y * step_) * width_ + x * step_;
        for (int c = 0; c < channels_; ++c) {
          const double grey =
              mean(image.data() + static_cast<std::size_t>(c) * height_ * width_, at);
          set(top + y, left + c * (columns + 1) + x, {grey, grey, grey});
        }
        const double grey = mean(image.data(), at);
        std::array<double, 3> colour{grey, grey, grey};
        if (labels[at] != 0) {
          const auto paint = label_colour(labels[at]);
          for (std::size_t i = 0; i < 3; ++i) {
            colour[i] = (1 - kPaint) * grey + kPaint * paint[i];
          }
        }
        set(top + y, left + channels_ * (columns + 1) + x, colour);
      }
    }
  }

 private:
  /// 0 to 255, over a square of `step_` pixels.
  [[nodiscard]] double mean(const float* image, std::size_t at) const {
    double sum = 0;
    for (int y = 0; y < step_; ++y) {
      for (int x = 0; x < step_; ++x) sum += image[at + static_cast<std::size_t>(y) * width_ + x];
    }
    return 255 * sum / (step_ * step_);
  }

  void set(int y, int x, const std::array<double, 3>& colour) {
    const auto at = 3 * (static_cast<std::size_t>(y) * sheet_.width + x);
    for (std::size_t i = 0; i < 3; ++i) {
      sheet_.rgb[at + i] = static_cast<std::uint8_t>(std::clamp(colour[i] + 0.5, 0.0, 255.0));
    }
  }

  Sheet& sheet_;
  int channels_, height_, width_, step_;
};

}  // namespace

std::array<std::uint8_t, 3> label_colour(int label) {
  // Okabe and Ito's palette, which colour-blind people can tell apart.
  constexpr std::array<std::array<std::uint8_t, 3>, 8> kColours{{{230, 159, 0},
                                                                 {86, 180, 233},
                                                                 {0, 158, 115},
                                                                 {240, 228, 66},
                                                                 {0, 114, 178},
                                                                 {213, 94, 0},
                                                                 {204, 121, 167},
                                                                 {255, 255, 255}}};
  return kColours[static_cast<std::size_t>(std::max(label - 1, 0)) % kColours.size()];
}

Sheet make_sheet(const DatasetFile& file, const SheetOptions& options) {
  if (options.slices < 1) throw_invalid("a contact sheet of no slices");
  const SplitReader reader(file, options.split);
  const Slices& frame = reader.frame();
  const int shown = std::min(options.slices, frame.count);
  const int longest = std::max(frame.height, frame.width);
  const int step = std::max(1, (longest + options.cell_pixels_max - 1) / options.cell_pixels_max);
  const int cell_height = frame.height / step;
  const int cell_width = (frame.channels + 1) * (frame.width / step + 1) - 1;
  const int per_row = std::clamp(kSheetWidth / (cell_width + kGap), 1, shown);
  const int rows = (shown + per_row - 1) / per_row;

  Sheet sheet;
  sheet.height = kGap + rows * (cell_height + kGap);
  sheet.width = kGap + per_row * (cell_width + kGap);
  sheet.rgb.assign(static_cast<std::size_t>(sheet.height) * sheet.width * 3, 40);
  Painter painter(sheet, frame.channels, frame.height, frame.width, step);
  std::vector<float> image(static_cast<std::size_t>(frame.channels) * frame.height * frame.width);
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(frame.height) * frame.width);
  for (int n = 0; n < shown; ++n) {
    // The middles of `shown` equal parts.
    const int slice = static_cast<int>((2L * n + 1) * frame.count / (2L * shown));
    reader.read(slice, image, labels);
    painter.paint(kGap + n / per_row * (cell_height + kGap),
                  kGap + n % per_row * (cell_width + kGap), image, labels);
    sheet.cells.push_back({frame.subject_ids[frame.subject[slice]], slice});
  }
  return sheet;
}

void write_png(const fs::path& path, const Sheet& sheet) {
  png_image image;
  std::memset(&image, 0, sizeof(image));
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(sheet.width);
  image.height = static_cast<png_uint_32>(sheet.height);
  image.format = PNG_FORMAT_RGB;
  AtomicFile file(path);
  if (png_image_write_to_file(&image, file.temporary().c_str(), 0, sheet.rgb.data(), 0, nullptr) ==
      0) {
    throw Error(ErrorCode::Unavailable, path.string() + ": cannot write: " + image.message);
  }
  file.commit();
}

}  // namespace reprise::datasets
