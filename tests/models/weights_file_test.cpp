/// Files of the real PyTorch and of the safetensors package, read and written.

#include "models/weights_file.h"

#include <gtest/gtest.h>

#include <torch/nn/modules/container/sequential.h>

#include <cstdlib>

#include "models/layers.h"
#include "models/network.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise::models {
namespace {

/// Runs weights_files.py; its folder lives as long as the tests.
class WeightsFile : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<testing::TempDir>();
    ASSERT_EQ(python("make"), 0);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static int python(const std::string& what) {
    const std::string command = std::string(REPRISE_PYTHON) + " " + REPRISE_WEIGHTS_SCRIPT + " " +
                                what + " " + folder_->path().string();
    return std::system(command.c_str());
  }
  static std::filesystem::path file(const std::string& name) { return *folder_ / name; }

  static std::string refusal(const std::string& name) {
    try {
      (void)read_weights(file(name));
      return "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Corrupt) << name;
      return error.what();
    }
  }

  static std::unique_ptr<testing::TempDir> folder_;
};

std::unique_ptr<testing::TempDir> WeightsFile::folder_;

void expect_equal(const TensorFile& got, const TensorFile& want) {
  ASSERT_EQ(got.tensors.size(), want.tensors.size());
  for (const auto& [key, value] : want.tensors) {
    ASSERT_TRUE(got.tensors.contains(key)) << key;
    const torch::Tensor& own = got.tensors.at(key);
    EXPECT_EQ(own.scalar_type(), value.scalar_type()) << key;
    EXPECT_TRUE(own.is_contiguous() && torch::equal(own, value)) << key;
  }
}

}  // namespace

TEST_F(WeightsFile, EveryFormatGivesTheSameTensors) {
  const TensorFile expected = read_weights(file("expected.safetensors"));
  EXPECT_EQ(expected.metadata.at("by"), "test");
  EXPECT_EQ(expected.tensors.at("transposed").sizes(), (std::vector<std::int64_t>{4, 6}));
  for (const char* name : {"zip.pt", "legacy.pt", "plain-dict.pt", "nested.pth"}) {
    SCOPED_TRACE(name);
    expect_equal(read_weights(file(name)), expected);
  }
}

TEST_F(WeightsFile, WhatIsWrittenOthersRead) {
  TensorFile content = read_weights(file("zip.pt"));
  content.metadata = {{"by", "Reprise"}};
  write_safetensors(file("written.safetensors"), content);
  EXPECT_EQ(python("check"), 0);
}

TEST_F(WeightsFile, AModuleOfPyTorchLoads) {
  torch::nn::Sequential module(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 2, 3)),
                               torch::nn::BatchNorm2d(2));
  load_weights(*module, read_weights(file("module.pt")), "module.pt");
}

TEST_F(WeightsFile, OnlyTensorsAreRead) {
  for (const std::string suffix : {".pt", "-legacy.pt"}) {
    const auto refused = [&](const std::string& name) {
      return refusal("refused-" + name + suffix);
    };
    EXPECT_NE(refused("number").find("\"epoch\" is a number, not a tensor"), std::string::npos);
    EXPECT_NE(refused("list").find("holds a list"), std::string::npos);
    EXPECT_NE(refused("tensor").find("holds a tensor, not a dictionary"), std::string::npos);
    EXPECT_NE(refused("payload").find("holds __builtin__.print"), std::string::npos)
        << refused("payload");
    EXPECT_NE(refused("module").find("holds torch.nn.modules.linear.Linear"), std::string::npos);
    EXPECT_NE(refused("optimizer").find("\"model\" is a dictionary, not a tensor"),
              std::string::npos);
  }
}

TEST_F(WeightsFile, EveryCutAndManyFlipsAreErrorsAndNothingWorse) {
  for (const char* name : {"module.pt", "legacy.pt"}) {
    const std::string whole = read_file(file(name));
    const auto attempt = [&](const std::string& bytes) {
      write_file_atomically(file("bad"), bytes);
      try {
        (void)read_weights(file("bad"));
      } catch (const Error&) {  // Flips inside a tensor of the old format go unseen.
      }
    };
    for (std::size_t length = 0; length < whole.size(); length += whole.size() / 60 + 1) {
      write_file_atomically(file("bad"), whole.substr(0, length));
      EXPECT_THROW((void)read_weights(file("bad")), Error) << name << " cut at " << length;
    }
    for (std::size_t at = 0; at < whole.size(); at += whole.size() / 150 + 1) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ 0x55);
      attempt(flipped);
    }
  }
}

}  // namespace reprise::models
