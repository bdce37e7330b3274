/// The checker itself: files that agree pass, and whatever is wrong with a file is a miss.

#include "worker/golden/golden.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "models/network.h"
#include "sweep/error.h"
#include "tests/support/temp_dir.h"

namespace reprise::golden {
namespace {

/// A file as the official implementation's recorder would write it, of a small EDSR made here.
models::TensorFile recorded() {
  torch::manual_seed(1);
  const auto network = models::make_network({{"name", "edsr-lite"}, {"width", 6}, {"blocks", 1}},
                                            /*channels=*/1, /*scale=*/4);
  network->eval();
  models::TensorFile file;
  for (const auto& [key, value] : models::state_of(*network).tensors) {
    file.tensors["w." + key] = value.clone();
  }
  const auto x = torch::rand({1, 1, 7, 9}).requires_grad_(true);
  const auto target = torch::rand({1, 1, 28, 36});
  const auto y = network->forward(x);
  const auto loss = (y - target).abs().mean();
  loss.backward();
  file.tensors["in.x.x0"] = x.detach();
  file.tensors["in.target.x0"] = target;
  file.tensors["out.y.x0"] = y.detach();
  file.tensors["out.loss.x0"] = loss.detach().to(torch::kFloat64);
  file.tensors["out.gradx.x0"] = x.grad();
  for (const auto& item : network->named_parameters()) {
    if (!item.value().grad().defined()) continue;
    file.tensors["gradnorm.x0." + item.key()] = item.value().grad().to(torch::kFloat64).norm();
  }
  file.metadata = {{"kind", "edsr-lite"},
                   {"name", "small"},
                   {"seed", "1"},
                   {"weights", "stored"},
                   {"scale", "4"},
                   {"in_channels", "1"},
                   {"config", R"({"edsr_n_feats": 6, "edsr_n_resblocks": 1})"}};
  return file;
}

class Golden : public ::testing::Test {
 protected:
  FileReport report(const models::TensorFile& file) {
    models::write_safetensors(folder_ / "case.safetensors", file);
    return check_file(folder_ / "case.safetensors");
  }
  /// The line of a file that must not pass.
  std::string miss(const models::TensorFile& file) {
    const FileReport result = report(file);
    EXPECT_FALSE(result.passed());
    const std::string line = to_line(result);
    EXPECT_EQ(line.rfind("MISS  case.safetensors", 0), 0U) << line;
    return line;
  }
  testing::TempDir folder_;
};

TEST_F(Golden, WhatAgreesPasses) {
  const FileReport result = report(recorded());
  EXPECT_TRUE(result.passed()) << to_line(result);
  EXPECT_GT(result.comparisons.all().size(), 10U);
}

TEST_F(Golden, EveryRecordedValueCounts) {
  for (const auto& [key, value] : recorded().tensors) {
    if (key.find("_mean.") != std::string::npos) continue;  // Shifts by 0 and 1 have no slack.
    SCOPED_TRACE(key);
    models::TensorFile file = recorded();
    torch::Tensor changed = file.tensors.at(key).clone();
    changed.view({-1})[0] += 0.05 * (1 + changed.abs().max());
    file.tensors[key] = changed;
    EXPECT_NE(miss(file).find("differ; worst"), std::string::npos);
  }
}

TEST_F(Golden, NotANumberIsAMiss) {
  models::TensorFile file = recorded();
  file.tensors["out.y.x0"] = torch::full({1, 1, 28, 36}, std::nan(""));
  EXPECT_NE(miss(file).find("differ"), std::string::npos);
}

TEST_F(Golden, FilesThatCannotBeFollowedSayWhy) {
  const auto with = [](const std::string& key, const std::string& text) {
    models::TensorFile file = recorded();
    file.metadata[key] = text;
    return file;
  };
  EXPECT_NE(miss(with("kind", "edsr-lit")).find("did you mean"), std::string::npos)
      << miss(with("kind", "edsr-lit"));
  EXPECT_NE(miss(with("config", R"({"edsr_depth": 3})")).find("config.edsr_depth: unknown option"),
            std::string::npos);
  EXPECT_NE(miss(with("config", "{")).find("metadata config"), std::string::npos);
  EXPECT_NE(miss(with("scale", "5")).find("scale"), std::string::npos);
  models::TensorFile file = recorded();
  file.tensors.erase("w.head.0.weight");
  EXPECT_NE(miss(file).find("w.head.0.weight"), std::string::npos);
  file = recorded();
  file.tensors.erase("out.y.x0");
  EXPECT_NE(miss(file).find("out.y.x0"), std::string::npos);
  file = recorded();
  file.tensors["w.extra"] = torch::zeros({1});
  EXPECT_NE(miss(file).find("unexpected extra"), std::string::npos);
  file = recorded();
  file.tensors["out.y.x0"] = torch::zeros({1, 1, 28, 35});
  EXPECT_NE(miss(file).find("shape"), std::string::npos);
  file = recorded();
  file.tensors["gradnorm.x0.body.9.weight"] = torch::ones({}, torch::kFloat64);
  EXPECT_NE(miss(file).find("unknown parameters"), std::string::npos);
  file.tensors.clear();
  EXPECT_FALSE(miss(file).empty());
}

TEST_F(Golden, AFolderIsReadInOrderAndOneMissIsEnough) {
  models::write_safetensors(folder_ / "b.safetensors", recorded());
  std::ofstream(folder_ / "notes.md") << "no golden file";
  std::ostringstream all;
  EXPECT_TRUE(check_folder(folder_.path(), all));
  EXPECT_NE(all.str().find("1 of 1 files agree\n"), std::string::npos) << all.str();

  std::ofstream(folder_ / "a.safetensors") << "no tensors";
  std::ostringstream some;
  EXPECT_FALSE(check_folder(folder_.path(), some));
  EXPECT_EQ(some.str().rfind("MISS  a.safetensors", 0), 0U) << some.str();
  EXPECT_NE(some.str().find("\nok    b.safetensors"), std::string::npos);
  EXPECT_NE(some.str().find("1 of 2 files agree, 1 do not\n"), std::string::npos);
}

TEST_F(Golden, AFolderWithoutFilesIsRefused) {
  std::ostringstream out;
  EXPECT_THROW((void)check_folder(folder_.path(), out), Error);
  EXPECT_THROW((void)check_folder(folder_ / "absent", out), Error);
}

}  // namespace
}  // namespace reprise::golden
