#include "sweep/check_study.h"

#include <gtest/gtest.h>

#include "sweep/error.h"

namespace reprise::sweep {
namespace {

/// What reading a study of one trial says; data set "d" has slices of 160x128 and "e" of 64x64.
std::string error_of(const std::string& trial, const std::string& weights = "") {
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
  try {
    (void)parse_study(text, "s.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidInput);
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST(CheckStudy, AcceptsThePapersTrial) {
  EXPECT_EQ(error_of("finetune.loss = [\"l1\", \"e1\", \"wgan-gp\"]"), "no error");
  EXPECT_EQ(error_of("finetune.loss = [\"vgg\"]", "[weights]\nvgg19 = \"random\"\n"), "no error");
}

TEST(CheckStudy, PatchesMustFitSlicesAndLosses) {
  EXPECT_EQ(error_of("pretrain.patch = 40"),
            "s.toml: trial \"A\": pretrain.patch = 40: an HR patch of 160 pixels is larger than "
            "the slices of d (160x128)");
  EXPECT_EQ(error_of("finetune.patch = 12\nfinetune.loss = [\"hrl\"]"),
            "s.toml: trial \"A\": finetune.patch = 12: an HR patch of 48 pixels is no multiple of "
            "32, which the U-Net of finetune.loss = hrl needs");
  EXPECT_EQ(error_of("dataset = \"e\"\npretrain.patch = 16\nfinetune.patch = 16"),
            "s.toml: trial \"A\": unet.train.patch = 96: is larger than the slices of e (64x64)");
  EXPECT_NE(error_of("scale = 3").find("are no multiples of it"), std::string::npos);
}

TEST(CheckStudy, ALossThatNeedsWeightsNamesThem) {
  EXPECT_EQ(error_of("finetune.loss = [\"l1\", \"vgg\"]"),
            "s.toml: trial \"A\": finetune.loss = l1+vgg: needs [weights] vgg19 = \"FILE\" "
            "(torchvision's VGG-19, or \"random\") in the study");
  EXPECT_NE(error_of("unet.encoder = \"resnet34\"").find("needs [weights] resnet34"),
            std::string::npos);
  // A plan can be looked at before the file is there; a run cannot.
  EXPECT_EQ(error_of("", "[weights]\nvgg19 = \"no/such.pth\"\n"), "no error");
  EXPECT_NE(error_of("", "[weights]\ninception = \"random\"\n").find("only vgg19"),
            std::string::npos);
}

TEST(CheckStudy, TheLossMayUseAnotherDataSetsUnet) {
  EXPECT_EQ(error_of("unet_from = \"f\""),
            "s.toml: trial \"A\": unet_from = \"f\": the study defines no such data set; valid: "
            "d, e");
  EXPECT_EQ(error_of("unet_from = \"e\"\nunet.train.patch = 64"), "no error");
}

TEST(CheckStudy, ValidationLeavesSubjectsToTrainOn) {
  EXPECT_NE(error_of("pretrain.validation = {every = 10, subjects = 3}")
                .find("leaves no subject of d to train on"),
            std::string::npos);
}

TEST(CheckStudy, ChannelsOfAForeignUnetAreTheSameOrOne) {
  const Study study = parse_study(R"(schema = 1
name = "s"
[datasets.d]
importer = "phantom"
[datasets.e]
importer = "phantom"
[[trials]]
row = "A"
dataset = "d"
unet_from = "e"
)",
                                  "s.toml");
  EXPECT_NO_THROW(check_channels(study, {{"d", 4}, {"e", 1}}));
  EXPECT_NO_THROW(check_channels(study, {{"d", 1}, {"e", 4}}));
  EXPECT_THROW(check_channels(study, {{"d", 3}, {"e", 4}}), Error);
}

}  // namespace reprise::sweep
