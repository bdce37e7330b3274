/// Volumes that other programs wrote (a folder of public samples; see its README).

#include <cmath>

#include "datasets_h5/importer.h"
#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

const std::filesystem::path kFolder = REPRISE_OPEN_DATA_DIR;

double scaled(const Volume& volume, std::size_t at) {
  return volume.values[at] * volume.slope + volume.intercept;
}

TEST(RealVolumes, ByteOrdersAgree) {
  const Volume big = read_volume(kFolder / "format-zoo/endian/big.nii.gz");
  const Volume little = read_volume(kFolder / "format-zoo/endian/little.nii.gz");
  EXPECT_EQ(big.dims, (std::array<int, 3>{64, 64, 21}));
  EXPECT_EQ(big.values, little.values);
}

TEST(RealVolumes, NiftiTwoAndPairsAreRead) {
  const Volume second = read_volume(kFolder / "format-zoo/nifti2/avg152T1_LR_nifti2.nii.gz");
  EXPECT_EQ(second.dims, (std::array<int, 3>{91, 109, 91}));
  EXPECT_EQ(second.orientation, "LAS");
  EXPECT_GT(*std::max_element(second.values.begin(), second.values.end()), 100);
  const Volume pair = read_volume(kFolder / "format-zoo/nifti1_pair/ras.img");
  EXPECT_EQ(pair.dims, (std::array<int, 3>{62, 41, 34}));
  EXPECT_EQ(pair.orientation, "RAS");
}

TEST(RealVolumes, BigEndianAnalyzeWithSpmScale) {
  const Volume volume = read_volume(kFolder / "format-zoo/analyze_bigendian_gz/avg152T1.hdr.gz");
  EXPECT_EQ(volume.dims, (std::array<int, 3>{91, 109, 91}));
  EXPECT_EQ(volume.orientation, "");
  EXPECT_EQ(volume.voxel_mm[0], 2);
}

TEST(RealVolumes, StoredOrdersDifferButTheBodyIsTheSame) {
  const Volume ras = read_volume(kFolder / "format-zoo/orientations/RAS.nii.gz");
  const Volume lps = read_volume(kFolder / "format-zoo/orientations/LPS.nii.gz");
  const Volume psr = read_volume(kFolder / "format-zoo/orientations/PSR.nii.gz");
  EXPECT_EQ(ras.orientation + lps.orientation + psr.orientation, "RASLPSPSR");
  for (int z = 0; z < 67; z += 11) {
    for (int y = 0; y < 79; y += 13) {
      for (int x = 0; x < 64; x += 7) {
        ASSERT_EQ(ras.at(x, y, z), lps.at(63 - x, 78 - y, z));
        ASSERT_EQ(ras.at(x, y, z), psr.at(78 - y, z, x));
      }
    }
  }
}

TEST(RealVolumes, FourDimensionsAreRefused) {
  expect_error(ErrorCode::InvalidInput, "dim[4] is 2",
               [&] { read_volume(kFolder / "format-zoo/4d/example4d.nii.gz"); });
}

TEST(RealVolumes, OasisFolderAndAcdcPatientsImport) {
  const TempFolder folder;
  ImportOptions options = reader("oasis").options;
  options.split.method = "all-train";
  // Half the resolution of the original, so the paper's crop pads.
  const ImportReport oasis =
      import_folder("oasis", kFolder / "oasis-analyze-2mm", options, folder / "oasis.h5");
  EXPECT_EQ(oasis.train_slices, 68);
  const auto brain = read_split(folder / "oasis.h5", "train");
  std::array<double, 4> sum{};
  std::array<double, 4> count{};
  for (std::size_t i = 0; i < brain.labels.size(); ++i) {
    sum.at(brain.labels[i]) += brain.images[i];
    count.at(brain.labels[i]) += 1;
  }
  // FAST numbers the tissues by rising T1 intensity: CSF, grey, white.
  EXPECT_LT(sum[1] / count[1], sum[2] / count[2]);
  EXPECT_LT(sum[2] / count[2], sum[3] / count[3]);

  const ImportReport acdc =
      import_folder("acdc", kFolder / "acdc", reader("acdc").options, folder / "acdc.h5");
  // Of the paper's list, patient060 is trained on and patient020 tested.
  EXPECT_EQ(acdc.split_origin, "the paper's list");
  EXPECT_EQ(acdc.train_subjects + acdc.test_subjects, 2);
  EXPECT_EQ(info(folder / "acdc.h5").subjects.size(), 4U);
}

TEST(RealVolumes, FourModalitiesWithSlopes) {
  const TempFolder folder;
  write_bytes(folder / "list.csv",
              "subject,image,label\np26,patient26_T1KS.nii.gz;patient26_T1.nii.gz;"
              "patient26_T2.nii.gz;patient26_FLAIR.nii.gz,patient26_lesion.nii.gz\n");
  ImportOptions options;
  options.split.method = "all-train";
  options.slicing.label_sum_above = 0;
  const ImportReport report = import_generic(
      folder / "list.csv", kFolder / "open-ms-4mod/patient26", options, folder / "ms.h5");
  EXPECT_EQ(report.channels, 4);
  EXPECT_GT(report.train_slices, 10);
  EXPECT_NEAR(info(folder / "ms.h5").subjects[0].slope[3], 0.0788652, 1e-6);
  const Volume t1 = read_volume(kFolder / "open-ms-4mod/patient26/patient26_T1.nii.gz");
  double largest = 0;
  for (std::size_t i = 0; i < t1.values.size(); ++i) largest = std::max(largest, scaled(t1, i));
  EXPECT_GE(largest, info(folder / "ms.h5").subjects[0].maximum[1]);
}

}  // namespace
}  // namespace reprise::datasets::testing
