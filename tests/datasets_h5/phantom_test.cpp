#include "datasets_h5/phantom.h"

#include <array>

#include "datasets_h5/importer.h"
#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

PhantomOptions small(const std::string& kind) {
  return {.kind = kind, .subjects = 3, .size = {64, 80, 6}, .seed = 7};
}

class EveryPhantom : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryPhantom, SameSeedSameVolumeOtherSubjectOtherVolume) {
  const PhantomOptions options = small(GetParam());
  const Phantom a = make_phantom(options, 1);
  EXPECT_EQ(a.images[0].values, make_phantom(options, 1).images[0].values);
  EXPECT_NE(a.images[0].values, make_phantom(options, 2).images[0].values);
  PhantomOptions other = options;
  other.seed = 8;
  EXPECT_NE(a.labels.values, make_phantom(other, 1).labels.values);
}

TEST_P(EveryPhantom, ItsImporterReadsItWithEveryLabelInBothSplits) {
  const TempFolder folder;
  const PhantomOptions options = small(GetParam());
  EXPECT_EQ(write_phantom(folder / "raw", options).size(), 3U);
  const std::string importer = phantom_kind(GetParam()).importer;
  ImportOptions import = reader(importer).options;
  import.name = "phantom";
  import.slicing.size = {64, 48};
  import.split = {.method = "seeded", .test_subjects = {}, .test_count = 1, .seed = 1};
  const ImportReport report = import_folder(importer, folder / "raw", import, folder / "a.h5");
  EXPECT_EQ(report.train_subjects, 2);
  EXPECT_EQ(report.test_subjects, 1);
  EXPECT_EQ(report.channels, importer == "brats" ? 4 : 1);
  for (const char* split : {"train", "test"}) {
    const auto slices = read_split(folder / "a.h5", split);
    for (std::uint8_t label = 1; label < 4; ++label) {
      EXPECT_NE(std::count(slices.labels.begin(), slices.labels.end(), label), 0)
          << split << " label " << int{label};
    }
    EXPECT_LT(*std::max_element(slices.labels.begin(), slices.labels.end()), 4);
  }
  write_phantom(folder / "again", options);
  EXPECT_EQ(import_folder(importer, folder / "again", import, folder / "b.h5").digest,
            report.digest);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryPhantom,
                         ::testing::Values("brain", "tumour", "cardiac", "lung"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Phantom, TissuesRiseInIntensityAndBackgroundIsBlack) {
  const Phantom brain =
      make_phantom({.kind = "brain", .subjects = 1, .size = {128, 160, 4}, .seed = 0}, 1);
  const std::vector<float>& t1 = brain.images[0].values;
  std::array<double, 4> sum{};
  std::array<double, 4> count{};
  for (std::size_t i = 0; i < t1.size(); ++i) {
    const auto tissue = static_cast<std::size_t>(brain.labels.values[i]);
    ASSERT_LT(tissue, 4U);
    sum[tissue] += t1[i];
    count[tissue] += 1;
    if (tissue == 0) {
      ASSERT_EQ(t1[i], 0);
    }
  }
  const double brain_voxels = count[1] + count[2] + count[3];
  for (int tissue = 1; tissue < 4; ++tissue) {
    EXPECT_GT(count[tissue] / brain_voxels, 0.05) << "tissue " << tissue;
    EXPECT_GT(sum[tissue] / count[tissue], 200);
  }
  EXPECT_LT(sum[1] / count[1] + 100, sum[2] / count[2]);
  EXPECT_LT(sum[2] / count[2] + 100, sum[3] / count[3]);
}

TEST(Phantom, OneBrainIsAnalyze) {
  const TempFolder folder;
  const auto ids = write_phantom(folder.path(), small("brain"));
  EXPECT_EQ(ids, (std::vector<std::string>{"RPS_0001_MR1", "RPS_0002_MR1", "RPS_0003_MR1"}));
  EXPECT_TRUE(
      std::filesystem::exists(folder / ("disc1/RPS_0001_MR1/PROCESSED/MPRAGE/T88_111/"
                                        "RPS_0001_MR1_mpr_n4_anon_111_t88_masked_gfc.img")));
}

TEST(Phantom, SystoleHasLessBloodAndThickerMuscle) {
  const PhantomOptions options{.kind = "cardiac", .subjects = 1, .size = {}, .seed = 2};
  const auto count = [&](int frame, float label) {
    const Phantom heart = make_phantom(options, 1, frame);
    return std::count(heart.labels.values.begin(), heart.labels.values.end(), label);
  };
  EXPECT_LT(2 * count(1, 3), 3 * count(0, 3));
  EXPECT_NEAR(static_cast<double>(count(1, 2)) / static_cast<double>(count(0, 2)), 1.25, 0.3);
}

TEST(Phantom, RefusesImpossibleOptions) {
  const TempFolder folder;
  const auto refuse = [&](const std::string& part, const PhantomOptions& options) {
    expect_error(ErrorCode::InvalidInput, part, [&] { write_phantom(folder.path(), options); });
  };
  refuse("subjects", {.kind = "brain", .subjects = 0, .size = {}, .seed = 0});
  refuse("side", {.kind = "brain", .subjects = 1, .size = {-1, 8, 8}, .seed = 0});
  refuse("did you mean \"brain\"", {.kind = "brian", .subjects = 1, .size = {}, .seed = 0});
}

}  // namespace
}  // namespace reprise::datasets::testing
