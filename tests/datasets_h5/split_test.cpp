#include "datasets_h5/split.h"

#include "datasets_h5/paper.h"
#include "tests/datasets_h5/support.h"

namespace reprise::datasets::testing {
namespace {

TEST(Split, PersonsBehindScans) {
  EXPECT_EQ(person_of("OAS1_0061_MR1"), "OAS1_0061");
  EXPECT_EQ(person_of("x_MRI"), "x_MRI");
  EXPECT_EQ(person_of("patient001#frame01"), "patient001");
  EXPECT_EQ(person_of("HGG_Brats17_TCIA_607_1"), "Brats17_TCIA_607");
  EXPECT_EQ(person_of("brats_tcia_pat105_0002"), "brats_tcia_pat105");
  EXPECT_EQ(person_of("BraTS-GLI-00005-001"), "BraTS-GLI-00005");
  EXPECT_EQ(person_of("BraTS20_Training_001"), "BraTS20_Training_001");
  EXPECT_EQ(person_of("BraTS2021_00001"), "BraTS2021_00001");
  EXPECT_EQ(person_of("radiopaedia_29_86490_1"), "radiopaedia_29");
  EXPECT_EQ(person_of("coronacases_001"), "coronacases_001");
  EXPECT_EQ(person_of("volume-covid19-A-0196_0"), "volume-covid19-A-0196");
  EXPECT_EQ(person_of("volume-covid19-A-0196"), "volume-covid19-A-0196");
}

TEST(Split, SeededDrawIgnoresOrderAndKeepsPersonsTogether) {
  const SplitRule rule{.method = "auto", .test_subjects = {}, .test_count = 2, .seed = 3};
  const std::vector<std::string> ids{"A_MR1", "A_MR2", "B_MR1", "C_MR1", "D_MR1"};
  const std::vector<std::string> reversed(ids.rbegin(), ids.rend());
  const auto splits = assign_splits("oasis", ids, rule).splits;
  const auto again = assign_splits("oasis", reversed, rule).splits;
  EXPECT_EQ(splits, std::vector<std::string>(again.rbegin(), again.rend()));
  EXPECT_EQ(splits[0], splits[1]);
  EXPECT_GT(std::count(splits.begin(), splits.end(), "test"), 1);
}

TEST(Split, ThePapersListsHaveItsSizesAndNobodyOnBothSides) {
  const auto sizes = [](const char* set) {
    std::array<int, 2> count{};
    std::vector<std::string> ids;
    std::vector<std::string> splits;
    for (const auto& [id, split] : paper_split(set)) {
      ++count[split == "test" ? 1 : 0];
      ids.push_back(id);
      splits.push_back(split);
    }
    EXPECT_NO_THROW(check_no_leak(ids, splits));
    return count;
  };
  EXPECT_EQ(sizes("oasis"), (std::array<int, 2>{30, 9}));
  EXPECT_EQ(sizes("brats"), (std::array<int, 2>{50, 10}));
  EXPECT_EQ(sizes("acdc"), (std::array<int, 2>{80, 20}));
  EXPECT_EQ(sizes("covid"), (std::array<int, 2>{199, 50}));
  EXPECT_TRUE(paper_split("generic").empty());
}

TEST(Split, AutoTakesThePapersListWhereItFits) {
  const std::vector<std::string> ids{"OAS1_0028_MR1", "OAS1_0009_MR1", "OAS1_9999_MR1"};
  const SplitResult result = assign_splits("oasis", ids, {});
  EXPECT_EQ(result.splits, (std::vector<std::string>{"train", "test", ""}));
  EXPECT_EQ(result.left_out, 1);
  EXPECT_EQ(result.missing, 37);
  // Nobody of the test side is here: a draw.
  const SplitResult other = assign_splits("oasis", {ids[0], ids[2]}, {});
  EXPECT_EQ(other.left_out, 0);
  EXPECT_NE(other.origin, result.origin);
  expect_error(ErrorCode::InvalidInput, "paper's list",
               [&] { assign_splits("oasis", {ids[0], ids[2]}, {.method = "paper"}); });
}

TEST(Split, AListOfOnesOwn) {
  const TempFolder folder;
  const std::vector<std::string> ids{"a#1", "a#2", "b", "c"};
  const std::string list = (folder / "split.csv").string();
  const auto assign = [&](const std::string& rows) {
    write_bytes(list, "subject,split\n" + rows);
    return assign_splits("acdc", ids, {.method = list});
  };
  EXPECT_EQ(assign("a,test\nb,train\n").splits,
            (std::vector<std::string>{"test", "test", "train", ""}));
  const auto refuse = [&](const std::string& rows, const std::string& part) {
    expect_error(ErrorCode::InvalidInput, part, [&] { assign(rows); });
  };
  refuse("a,test\na,train\n", "split.csv:3: subject \"a\" is in both splits");
  refuse("a,validation\n", "split.csv:2: split \"validation\"");
  refuse("d,train\n", "split.csv:2: subject \"d\" is not in the data");
}

TEST(Split, TwoScansOfOnePersonOnBothSidesAreRefused) {
  const TempFolder folder;
  write_bytes(folder / "s.csv", "subject,split\nOAS1_0061_MR1,train\nOAS1_0061_MR2,test\n");
  expect_error(ErrorCode::InvalidInput, "OAS1_0061_MR1 (train) and OAS1_0061_MR2 (test)", [&] {
    assign_splits("oasis", {"OAS1_0061_MR1", "OAS1_0061_MR2"},
                  {.method = (folder / "s.csv").string()});
  });
}

TEST(Split, RefusesRulesThatCannotBeMet) {
  const auto refuse = [](const SplitRule& rule, const std::string& part) {
    expect_error(ErrorCode::InvalidInput, part,
                 [&] { assign_splits("generic", {"a", "b"}, rule); });
  };
  refuse({.method = "all-trian"}, "did you mean \"all-train\"");
  refuse({.method = "seeded", .test_subjects = {}, .test_count = 3}, "3 test subjects");
  refuse({.method = "auto", .test_subjects = {"z"}}, "\"z\"");
  refuse({.method = "auto", .test_subjects = {"a"}, .test_count = 1}, "not both");
  refuse({.method = "all-train", .test_subjects = {"a"}}, "takes no test subjects");
  expect_error(ErrorCode::InvalidInput, "only person", [] { assign_splits("generic", {"a"}, {}); });
  const auto all = assign_splits("generic", {"a", "b"}, {.method = "all-train"}).splits;
  EXPECT_EQ(all, (std::vector<std::string>{"train", "train"}));
}

}  // namespace
}  // namespace reprise::datasets::testing
