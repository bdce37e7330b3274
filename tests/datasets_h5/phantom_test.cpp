#include "datasets_h5/phantom.h"

#include <array>

#include "datasets_h5/importer.h"
#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

const PhantomOptions kSmall{.subjects = 3, .size = {64, 80, 4}, .seed = 7};

TEST(Phantom, SameSeedSameBrainOtherSubjectOtherBrain) {
  const BrainPhantom a = make_brain_phantom(kSmall, 1);
  EXPECT_EQ(a.t1.values, make_brain_phantom(kSmall, 1).t1.values);
  EXPECT_NE(a.t1.values, make_brain_phantom(kSmall, 2).t1.values);
  PhantomOptions other = kSmall;
  other.seed = 8;
  EXPECT_NE(a.tissues.values, make_brain_phantom(other, 1).tissues.values);
}

TEST(Phantom, TissuesRiseInIntensityAndBackgroundIsBlack) {
  const BrainPhantom brain = make_brain_phantom({.subjects = 1, .size = {128, 160, 4}}, 1);
  std::array<double, 4> sum{};
  std::array<double, 4> count{};
  for (std::size_t i = 0; i < brain.t1.values.size(); ++i) {
    const auto tissue = static_cast<std::size_t>(brain.tissues.values[i]);
    ASSERT_LT(tissue, 4U);
    sum[tissue] += brain.t1.values[i];
    count[tissue] += 1;
    if (tissue == 0) {
      ASSERT_EQ(brain.t1.values[i], 0);
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

TEST(Phantom, FolderIsTheOasisLayoutAndImportsDeterministically) {
  const TempFolder folder;
  const std::vector<std::string> ids = write_brain_phantom(folder / "brains", kSmall);
  EXPECT_EQ(ids, (std::vector<std::string>{"RPS_0001_MR1", "RPS_0002_MR1", "RPS_0003_MR1"}));
  ImportOptions options = oasis_options();
  options.name = "phantom";
  options.slicing.size = {64, 48};
  options.split.test_count = 1;
  const ImportReport report = import_oasis(folder / "brains", options, folder / "a.h5");
  EXPECT_EQ(report.train_subjects, 2);
  EXPECT_EQ(report.test_subjects, 1);
  EXPECT_EQ(report.train_slices, 8);
  write_brain_phantom(folder / "again", kSmall);
  EXPECT_EQ(import_oasis(folder / "again", options, folder / "b.h5").digest, report.digest);
}

TEST(Phantom, RefusesImpossibleOptions) {
  const TempFolder folder;
  expect_error(ErrorCode::InvalidInput, "subjects",
               [&] { write_brain_phantom(folder.path(), {.subjects = 0}); });
  expect_error(ErrorCode::InvalidInput, "side",
               [&] { write_brain_phantom(folder.path(), {.size = {0, 8, 8}}); });
}

}  // namespace
}  // namespace reprise::datasets::testing
