#include "sweep/check_study.h"

#include <gtest/gtest.h>

#include "tests/sweep/study_support.h"

namespace reprise::sweep {
namespace {

/// What reading a study of one trial says; data set "d" has slices of 160x128 and "e" of 64x64.
std::string trial_error(const std::string& trial, const std::string& weights = "") {
  const std::string text = R"(schema = 1
name = "s"
)" + weights + R"([datasets.d]
importer = "phantom"
subjects = 4
[datasets.e]
importer = "phantom"
size = [64, 64]
[trial]
dataset = "d"
[[trials]]
row = "A"
)" + trial;
  return refusal_of([&] { return parse_study(text, "s.toml"); });
}

}  // namespace

TEST(CheckStudy, AcceptsThePapersTrial) {
  EXPECT_EQ(trial_error("finetune.loss = [\"l1\", \"e1\", \"wgan-gp\"]"), "no error");
  EXPECT_EQ(trial_error("finetune.loss = [\"vgg\"]", "[weights]\nvgg19 = \"random\"\n"),
            "no error");
}

TEST(CheckStudy, PatchesMustFitSlicesAndLosses) {
  EXPECT_EQ(
      trial_error("pretrain.patch = 40"),
      "s.toml:13:18: trial \"A\": pretrain.patch = 40: an HR patch of 160 pixels is larger than "
      "the slices of d (160x128)");
  EXPECT_EQ(
      trial_error("finetune.patch = 12\nfinetune.loss = [\"hrl\"]"),
      "s.toml:13:18: trial \"A\": finetune.patch = 12: an HR patch of 48 pixels is no multiple of "
      "32, which the U-Net of finetune.loss = hrl needs");
  EXPECT_EQ(
      trial_error("dataset = \"e\"\npretrain.patch = 16\nfinetune.patch = 16"),
      "s.toml:11:1: trial \"A\": unet.train.patch = 96: is larger than the slices of e (64x64)");
  EXPECT_NE(trial_error("scale = 3").find("are no multiples of it"), std::string::npos);
}

TEST(CheckStudy, ALossThatNeedsWeightsNamesThem) {
  EXPECT_EQ(trial_error("finetune.loss = [\"l1\", \"vgg\"]"),
            "s.toml:13:17: trial \"A\": finetune.loss = l1+vgg: needs [weights] vgg19 = \"FILE\" "
            "(torchvision's VGG-19, or \"random\") in the study");
  EXPECT_NE(trial_error("unet.encoder = \"resnet34\"").find("needs [weights] resnet34"),
            std::string::npos);
  // A plan can be looked at before the file is there; a run cannot.
  EXPECT_EQ(trial_error("", "[weights]\nvgg19 = \"no/such.pth\"\n"), "no error");
  EXPECT_NE(trial_error("", "[weights]\ninception = \"random\"\n").find("only vgg19"),
            std::string::npos);
}

TEST(CheckStudy, TheLossMayUseAnotherDataSetsUnet) {
  EXPECT_EQ(
      trial_error("unet_from = \"f\""),
      "s.toml:13:13: trial \"A\": unet_from = \"f\": the study defines no such data set; valid: "
      "d, e");
  EXPECT_EQ(trial_error("unet_from = \"e\"\nunet.train.patch = 64"), "no error");
}

TEST(CheckStudy, PointsAtTheAxisThatGaveTheValue) {
  EXPECT_EQ(trial_error("[trials.grid]\n\"finetune.patch\" = [24,\n    40]")
                .substr(0, std::string("s.toml:15:5: trial \"A finetune.patch=40\": ").size()),
            "s.toml:15:5: trial \"A finetune.patch=40\": ");
}

TEST(CheckStudy, ValidationLeavesSubjectsToTrainOn) {
  EXPECT_NE(trial_error("pretrain.validation = {every = 10, subjects = 3}")
                .find("leaves no subject of d to train on"),
            std::string::npos);
}

TEST(CheckStudy, TheCriticAndResNetNeedTheirSizes) {
  EXPECT_NE(trial_error("finetune.patch = 9\nfinetune.loss = [\"wgan-gp\"]")
                .find("an HR patch of 36 pixels is no multiple of 16, which the critic of "
                      "finetune.loss = wgan-gp needs"),
            std::string::npos);
  EXPECT_NE(trial_error("unet.encoder = \"resnet34\"\nunet.width = 32",
                        "[weights]\nresnet34 = \"r.pth\"\n")
                .find("unet.width = 32: must be 64 for the weights of ResNet-34"),
            std::string::npos);
}

TEST(CheckStudy, ImpossibleNetworksAreRefusedWhereTheyAreWritten) {
  EXPECT_NE(trial_error("network = { width = 64 }").find("must be a multiple of heads (6)"),
            std::string::npos);
  EXPECT_NE(trial_error("network = { name = \"han\", groups = 9 }").find("must be 10"),
            std::string::npos);
  EXPECT_NE(trial_error("network = { drop_path = 1.5 }").find("network.drop_path = 1.5"),
            std::string::npos);
}

/// What check_datasets says of a trial on data set "d" with the U-Net of "e".
std::string said(const DatasetFacts& d, const DatasetFacts& e, const std::string& more = "") {
  const Study study = parse_study(kForeignUnet + more, "s.toml");
  return refusal_of([&] {
    check_datasets(study, {{"d", d}, {"e", e}});
    return 0;
  });
}

TEST(CheckStudy, ChannelsOfAForeignUnetAreTheSameOrOne) {
  EXPECT_EQ(said({4, 4}, {1, 4}), "no error");
  EXPECT_EQ(said({1, 4}, {4, 4}), "no error");
  EXPECT_EQ(said({3, 4}, {4, 4}),
            "s.toml:10:13: trial \"A\": unet_from = \"e\": its U-Net takes 4 channels and d has 3: "
            "one of "
            "the two must be 1");
}

TEST(CheckStudy, AUnetNeedsLabels) {
  // Nobody wrote it: the trial's table stands for it.
  EXPECT_EQ(
      said({1, 1}, {1, 4}),
      "s.toml:7:1: trial \"A\": segmented = true: data set d has no labels to train a U-Net on; "
      "segmented = false measures PSNR and SSIM only");
  EXPECT_EQ(said({1, 1}, {1, 4}, "segmented = true").substr(0, 21), "s.toml:12:13: trial \"");
  EXPECT_EQ(said({1, 1}, {1, 4}, "segmented = false"), "no error");
  EXPECT_EQ(said({1, 4}, {1, 1}),
            "s.toml:10:13: trial \"A\": unet_from = \"e\": has no labels to train the U-Net of the "
            "loss on");
}

}  // namespace reprise::sweep
