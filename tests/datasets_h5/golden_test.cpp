/// Parity with the reference readers and with OpenCV's resize (golden files made with both).

#include <cmath>
#include <cstring>

#include "datasets_h5/degrade.h"
#include "datasets_h5/importer.h"
#include "sweep/safetensors_index.h"
#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

/// Tensors of one golden file as doubles.
class Golden {
 public:
  explicit Golden(const std::string& name)
      : path_(std::string(REPRISE_GOLDEN_DIR) + "/" + name + ".safetensors"),
        index_(sweep::read_safetensors_index(path_)) {}

  [[nodiscard]] std::vector<double> values(const std::string& key) const {
    const std::string bytes = sweep::read_tensor_bytes(path_, index_, key);
    const std::string& type = index_.tensors.at(key).dtype;
    return type == "F64" ? as<double>(bytes) : type == "F32" ? as<float>(bytes) : as<bool>(bytes);
  }
  [[nodiscard]] std::vector<std::int64_t> shape(const std::string& key) const {
    return index_.tensors.at(key).shape;
  }

  /// The array [x, y, z(, 1)], whose last axis is fastest, as a volume, whose first is.
  [[nodiscard]] Volume volume(const std::string& key) const {
    const auto side = shape(key);
    const auto array = values(key);
    Volume volume;
    volume.path = key;
    volume.element = Element::Float32;
    volume.dims = {static_cast<int>(side[0]), static_cast<int>(side[1]), static_cast<int>(side[2])};
    for (std::int64_t z = 0; z < side[2]; ++z) {
      for (std::int64_t y = 0; y < side[1]; ++y) {
        for (std::int64_t x = 0; x < side[0]; ++x) {
          volume.values.push_back(static_cast<float>(array[(x * side[1] + y) * side[2] + z]));
        }
      }
    }
    return volume;
  }

 private:
  template <typename T>
  static std::vector<double> as(const std::string& bytes) {
    std::vector<double> out;
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
      T value{};
      std::memcpy(&value, &bytes[at], sizeof(T));
      out.push_back(static_cast<double>(value));
    }
    return out;
  }
  std::filesystem::path path_;
  sweep::SafetensorsIndex index_;
};

/// Slices `channels` as reader `name` does at [height, width], and compares with [N, H, W, C].
void expect_slices(const std::string& name, const std::vector<Volume>& channels,
                   const Volume* label, const Golden& golden, const std::string& want) {
  const auto shape = golden.shape(want);
  SlicingRule rule = reader(name).options.slicing;
  rule.size = {static_cast<int>(shape[1]), static_cast<int>(shape[2])};
  const SlicedVolume got = slice_volume(channels, label, rule, 3);
  ASSERT_EQ(got.count, shape[0]) << name;
  const auto expected = golden.values(want);
  const std::size_t pixels = static_cast<std::size_t>(got.height) * got.width;
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::size_t c = i % channels.size();
    const std::size_t pixel = i / channels.size() % pixels;
    const std::size_t n = i / channels.size() / pixels;
    const double raw = got.images[(n * channels.size() + c) * pixels + pixel];
    const double range = got.subject.maximum[c] - got.subject.minimum[c];
    worst = std::max(worst, std::abs((raw - got.subject.minimum[c]) / range - expected[i]));
  }
  EXPECT_LT(worst, 1e-6) << name;
  if (!golden.shape("out.brats_label").empty() && name == "brats") {
    const auto labels = golden.values("out.brats_label");
    EXPECT_EQ(std::vector<double>(got.labels.begin(), got.labels.end()), labels);
  }
}

TEST(ReferenceReaders, SameSlicesCropsAndNormalisation) {
  const Golden golden("pipeline");
  expect_slices("oasis", {golden.volume("in.oasis")}, nullptr, golden, "out.oasis");
  Volume label = golden.volume("in.brats_label");
  std::vector<Volume> modalities;
  for (const char* number : {"0", "1", "2", "3"}) {
    modalities.push_back(golden.volume(std::string("in.brats_mod") + number));
  }
  expect_slices("brats", modalities, &label, golden, "out.brats");
  label = golden.volume("in.acdc_label");
  expect_slices("acdc", {golden.volume("in.acdc")}, &label, golden, "out.acdc");
  label = golden.volume("in.covid_label");
  expect_slices("covid", {golden.volume("in.covid")}, &label, golden, "out.covid");
}

TEST(ReferenceReaders, SameTestTriple) {
  const Golden golden("pipeline");
  const auto hr64 = golden.values("in.test_hr");
  const std::vector<float> hr(hr64.begin(), hr64.end());
  const auto lr = bicubic_resize(hr, 1, 24, 20, 6, 5);
  const auto up = bicubic_resize(lr, 1, 6, 5, 24, 20);
  const auto want_lr = golden.values("out.test_lr");
  const auto want_up = golden.values("out.test_bicubic");
  for (std::size_t i = 0; i < lr.size(); ++i) EXPECT_NEAR(lr[i], want_lr[i], 1e-6);
  for (std::size_t i = 0; i < up.size(); ++i) EXPECT_NEAR(up[i], want_up[i], 1e-6);
}

/// [H, W, C] as planes.
std::vector<float> planes(const std::vector<double>& values, std::size_t channels) {
  std::vector<float> out;
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = c; i < values.size(); i += channels) {
      out.push_back(static_cast<float>(values[i]));
    }
  }
  return out;
}

TEST(OpenCv, BicubicIsTheSame) {
  const Golden golden("bicubic");
  for (const char* name : {"a", "b", "c"}) {
    const std::string in = std::string("in.x.") + name;
    const auto shape = golden.shape(in);
    const auto channels = static_cast<std::size_t>(shape[2]);
    const auto image = planes(golden.values(in), channels);
    for (const char* kind : {"down4", "odd"}) {
      const std::string out = std::string("out.") + kind + "." + name;
      const auto size = golden.shape(out);
      const auto got = bicubic_resize(image, static_cast<int>(channels), static_cast<int>(shape[0]),
                                      static_cast<int>(shape[1]), static_cast<int>(size[0]),
                                      static_cast<int>(size[1]));
      const auto want = planes(golden.values(out), channels);
      ASSERT_EQ(got.size(), want.size());
      // At other ratios than 4 OpenCV's own coordinates are single precision.
      const double tolerance = kind[0] == 'd' ? 1e-6 : 1e-5;
      for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], tolerance) << out;
    }
  }
}

}  // namespace
}  // namespace reprise::datasets::testing
