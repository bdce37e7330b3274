#include "datasets_h5/importer.h"

#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

/// Three subjects of 6x5x4 with labels 0 and 1, and a CSV; slice z = 0 has no label.
class GenericImport : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* id : {"a", "b", "c"}) {
      write_nifti(folder / (std::string(id) + ".nii.gz"), counting_volume({6, 5, 4}));
      Volume label = constant_volume({6, 5, 4}, 1);
      std::fill_n(label.values.begin(), 30, 0.0F);
      write_nifti(folder / (std::string(id) + "_l.nii.gz"), label);
    }
    csv("a,train,a.nii.gz,a_l.nii.gz\nb,train,b.nii.gz,b_l.nii.gz\nc,test,c.nii.gz,c_l.nii.gz\n");
    options.name = "toy";
  }
  void csv(const std::string& rows, const std::string& header = "subject,split,image,label") {
    write_bytes(folder / "list.csv", header + "\n" + rows);
  }
  ImportReport import() {
    return import_generic(folder / "list.csv", folder.path(), options, folder / "out.h5");
  }
  void refuse(const std::string& part, ErrorCode code = ErrorCode::InvalidInput) {
    expect_error(code, part, [&] { import(); });
    EXPECT_FALSE(std::filesystem::exists(folder / "out.h5"));
  }
  TempFolder folder;
  ImportOptions options;
};

TEST_F(GenericImport, RowsAreYColumnsAreXAndValuesAreNormalised) {
  const ImportReport report = import();
  EXPECT_EQ(report.train_slices, 8);
  EXPECT_EQ(report.test_slices, 4);
  const auto train = read_split(folder / "out.h5", "train");
  EXPECT_EQ(train.height, 5);
  EXPECT_EQ(train.width, 6);
  EXPECT_EQ(train.subject_ids, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(train.subject, (std::vector<int>{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(train.label_names, (std::vector<std::string>{"background", "label1"}));
  for (int i = 0; i < 120; ++i) EXPECT_FLOAT_EQ(train.images[i], static_cast<float>(i) / 119);
  EXPECT_EQ(train.labels[29], 0);
  EXPECT_EQ(train.labels[30], 1);
}

TEST_F(GenericImport, RangeIsTakenAfterDroppingAndBeforeCropping) {
  options.slicing.label_sum_above = 0;
  options.slicing.size = {3, 2};
  const ImportReport report = import();
  EXPECT_EQ(report.train_slices, 6);
  const DatasetInfo set = info(folder / "out.h5");
  EXPECT_EQ(set.subjects[0].minimum[0], 31);
  EXPECT_EQ(set.subjects[0].maximum[0], 120);
  const auto test = read_split(folder / "out.h5", "test");
  // Centre crop: rows from (5-3)/2, columns from (6-2)/2; slice z = 1 starts at value 31.
  EXPECT_FLOAT_EQ(test.images[0], (1 * 6 + 2) / 89.0F);
  EXPECT_FLOAT_EQ(test.images[2], (2 * 6 + 2) / 89.0F);
}

TEST_F(GenericImport, PaddingIsZeroAfterNormalisation) {
  options.slicing.size = {9, 8};
  import();
  const auto test = read_split(folder / "out.h5", "test");
  EXPECT_EQ(test.images[0], 0);
  EXPECT_FLOAT_EQ(test.images[2 * 8 + 1 + 1], 1 / 119.0F);
  EXPECT_EQ(test.images.back(), 0);
}

TEST_F(GenericImport, SliceAxisKeepsTheOrderOfTheOthers) {
  options.slicing.slice_axis = 0;
  import();
  const auto test = read_split(folder / "out.h5", "test");
  EXPECT_EQ(test.count, 6);
  EXPECT_EQ(test.height, 4);
  EXPECT_EQ(test.width, 5);
  EXPECT_FLOAT_EQ(test.images[1], 6 / 119.0F);   // y + 1
  EXPECT_FLOAT_EQ(test.images[5], 30 / 119.0F);  // z + 1
}

TEST_F(GenericImport, ChannelsAndFramesOfOneSubject) {
  csv("a,train,a.nii.gz;b.nii.gz,a_l.nii.gz\na,train,b.nii.gz;c.nii.gz,b_l.nii.gz\n");
  const ImportReport report = import();
  EXPECT_EQ(report.channels, 2);
  EXPECT_EQ(read_split(folder / "out.h5", "train").subject_ids,
            (std::vector<std::string>{"a", "a#2"}));
}

TEST_F(GenericImport, MixedTypesBecomeFloat) {
  Volume volume = counting_volume({6, 5, 4}, Element::UInt8);
  volume.slope = 3;
  write_nifti(folder / "b.nii.gz", volume);
  import();
  const DatasetInfo set = info(folder / "out.h5");
  EXPECT_EQ(set.element, Element::Float32);
  EXPECT_EQ(set.subjects[1].slope[0], 3);
  EXPECT_EQ(set.subjects[1].maximum[0], 360);
  EXPECT_EQ(set.sources.size(), 6U);
}

TEST_F(GenericImport, SameInputSameDigest) {
  const std::string digest = import().digest;
  EXPECT_EQ(import().digest, digest);
  options.slicing.size = {4, 4};
  EXPECT_NE(import().digest, digest);
}

TEST_F(GenericImport, ShapeMismatchNamesBothFilesAndShapes) {
  write_nifti(folder / "b_l.nii.gz", constant_volume({6, 5, 3}, 1));
  refuse("b_l.nii.gz: shape [6, 5, 3] differs");
  refuse("b.nii.gz with shape [6, 5, 4]");
}

TEST_F(GenericImport, OnePersonInBothSplitsIsRefused) {
  csv("P_MR1,train,a.nii.gz,a_l.nii.gz\nP_MR2,test,b.nii.gz,b_l.nii.gz\n");
  refuse("same person");
  csv("P,train,a.nii.gz,a_l.nii.gz\nP,test,b.nii.gz,b_l.nii.gz\n");
  refuse("same person");
}

TEST_F(GenericImport, BadRowsNameTheirLine) {
  csv("a,train,a.nii.gz\n");
  refuse("list.csv:2");
  csv("a,train,a.nii.gz,a_l.nii.gz\na,valid,a.nii.gz,a_l.nii.gz\n");
  refuse("list.csv:3");
  csv("a,train,a.nii.gz,\n");
  refuse("label is empty");
  csv("a,a.nii.gz\n", "subject,image");
  refuse("\"label\"");
  csv("");
  refuse("no rows");
  csv("a,train,missing.nii.gz,a_l.nii.gz\n");
  refuse("missing.nii.gz");
}

TEST_F(GenericImport, LabelGroupsAreKeptOrMadeUp) {
  import();
  EXPECT_EQ(info(folder / "out.h5").label_groups,
            (std::vector<LabelGroup>{{"T", {1}}, {"label1", {1}}}));
  options.label_names = {"background", "x"};
  options.label_groups = {{"X", {1}}};
  import();
  EXPECT_EQ(read_split(folder / "out.h5", "test").label_groups, options.label_groups);
  std::filesystem::remove(folder / "out.h5");
  options.label_groups = {{"Y", {2}}};
  refuse("label group \"Y\": label 2");
}

TEST(LabelGroups, AreAddedByTheNamesOfTheirLabels) {
  ImportOptions options;
  options.label_names = {"background", "NCR", "ED", "ET"};
  add_label_group(options, "TC", {"ET", "NCR", "ET"});
  ASSERT_EQ(options.label_groups.size(), 5U);  // T and the three labels as well.
  EXPECT_EQ(options.label_groups.back(), (LabelGroup{.name = "TC", .labels = {1, 3}}));
  add_label_group(options, "ET", {"ED"});
  ASSERT_EQ(options.label_groups.size(), 5U);
  EXPECT_EQ(options.label_groups.back(), (LabelGroup{.name = "ET", .labels = {2}}));
  const auto refuse = [&](const std::vector<std::string>& labels, const std::string& part) {
    expect_error(ErrorCode::InvalidInput, part, [&] { add_label_group(options, "X", labels); });
  };
  refuse({"NRC"}, "\"NRC\" is no label name; did you mean \"NCR\"");
  refuse({"background"}, "\"background\" is no label name");
  refuse({}, "at least one label");
}

TEST_F(GenericImport, LabelsMustBeNamedAndWhole) {
  options.label_names = {"background"};
  refuse("a_l.nii.gz: label value 1 has no name");
}

TEST_F(GenericImport, SplitByListOrSeed) {
  csv("a,a.nii.gz,a_l.nii.gz\nb,b.nii.gz,b_l.nii.gz\n", "subject,image,label");
  options.split.test_subjects = {"b"};
  EXPECT_EQ(import().test_subjects, 1);
  EXPECT_EQ(read_split(folder / "out.h5", "test").subject_ids, std::vector<std::string>{"b"});
  std::filesystem::remove(folder / "out.h5");
  options.split.test_subjects = {"z"};
  refuse("\"z\"");
}

TEST(OasisImport, FolderWithoutSubjectsIsRefused) {
  const TempFolder folder;
  expect_error(ErrorCode::InvalidInput, "OASIS-1", [&] {
    import_folder("oasis", folder.path(), reader("oasis").options, folder / "x.h5");
  });
}

TEST(OasisImport, MissingLabelNamesTheFolder) {
  const TempFolder folder;
  write_analyze(folder / "s/X_MR1/PROCESSED/MPRAGE/T88_111/X_masked_gfc.hdr",
                counting_volume({4, 4, 2}));
  expect_error(ErrorCode::InvalidInput, "FSL_SEG", [&] {
    import_folder("oasis", folder.path(), reader("oasis").options, folder / "x.h5");
  });
}

TEST(OasisImport, DropsEmptySlicesAndReadsBothFormats) {
  const TempFolder folder;
  Volume image = counting_volume({4, 6, 3});
  std::fill_n(image.values.begin(), 24, 0.0F);
  const Volume label = constant_volume({4, 6, 3}, 3);
  write_analyze(folder / "d1/X_MR1/PROCESSED/MPRAGE/T88_111/X_masked_gfc.hdr", image);
  write_analyze(folder / "d1/X_MR1/FSL_SEG/X_masked_gfc_fseg.hdr", label);
  write_nifti(folder / "d2/Y_MR1/PROCESSED/MPRAGE/T88_111/Y_masked_gfc.nii.gz", image);
  write_nifti(folder / "d2/Y_MR1/FSL_SEG/Y_masked_gfc_fseg.nii.gz", label);
  ImportOptions options = reader("oasis").options;
  options.slicing.size = {2, 2};
  options.split.test_subjects = {"Y"};
  const ImportReport report = import_folder("oasis", folder.path(), options, folder / "x.h5");
  EXPECT_EQ(report.train_slices, 2);
  EXPECT_EQ(report.test_slices, 2);
  EXPECT_EQ(read_split(folder / "x.h5", "train").images,
            read_split(folder / "x.h5", "test").images);
  EXPECT_EQ(info(folder / "x.h5").sources.size(), 6U);
}

}  // namespace
}  // namespace reprise::datasets::testing
