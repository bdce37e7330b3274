#include "dashboards/web/samples.h"

#include <gtest/gtest.h>

#include <cmath>

#include "dashboards/web/png.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/dashboards/web/sample_file.h"
#include "tests/dashboards/web/support.h"

namespace reprise::dashboards::web {
namespace {

class SamplesTest : public ::testing::Test {
 protected:
  TempDir folder_;
  sweep::Plan plan_ = small_plan();
  db::Store store_{folder_.path() / "reprise.db", db::Access::ReadWrite};
  std::string stage_ = plan_.stages[2].id;

  void SetUp() override { store_.put_plan(plan_, "no study file"); }

  void finish_with_samples() {
    auto body = evaluation_body(30);
    body["artifacts"] = {{"samples", write_samples(folder_.path(), 2, 16, 12, 4)}};
    finish(store_, stage_, body);
  }
};

constexpr const char* kPngMagic = "\x89PNG";

}  // namespace

TEST(Enlarge, KeepsAConstantAndReproducesALineInside) {
  const std::vector<float> constant(20, 0.25F);
  for (const float value : enlarge(constant, 4, 5, 3)) EXPECT_NEAR(value, 0.25F, 1e-6F);
  std::vector<float> line;
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) line.push_back(static_cast<float>(x));
  }
  const auto large = enlarge(line, 8, 8, 4);
  ASSERT_EQ(large.size(), 32U * 32U);
  for (int x = 12; x < 20; ++x) {
    EXPECT_NEAR(large[16 * 32 + static_cast<std::size_t>(x)], (x + 0.5) / 4 - 0.5, 1e-5);
  }
}

TEST(Png, EncodesAndRefusesNothingSilently) {
  EXPECT_EQ(encode_png({.height = 1, .width = 2, .channels = 1, .pixels = {0, 255}}).substr(0, 4),
            kPngMagic);
}

TEST_F(SamplesTest, SayWhyThereAreNone) {
  EXPECT_EQ(sample_list(store_, folder_.path(), stage_).at("missing"),
            "the evaluation is not done");
  finish(store_, stage_, evaluation_body(30));
  EXPECT_EQ(sample_list(store_, folder_.path(), stage_).at("missing"),
            "this stage kept no sample slices");
  EXPECT_THROW((void)sample_png(store_, folder_.path(), stage_, "hr", 0, 0), Error);
}

TEST_F(SamplesTest, EveryLayerIsAPicture) {
  finish_with_samples();
  const auto list = sample_list(store_, folder_.path(), stage_);
  EXPECT_EQ(list.at("count"), 2);
  EXPECT_EQ(list.at("scale"), 4);
  EXPECT_EQ(list.at("slices"), (boost::json::array{0, 7}));
  EXPECT_EQ(list.at("subjects"), (boost::json::array{"sub-0", "sub-1"}));
  for (const auto& layer : list.at("layers").as_array()) {
    const auto png =
        sample_png(store_, folder_.path(), stage_, std::string(layer.as_string()), 1, 0);
    EXPECT_EQ(png.substr(0, 4), kPngMagic) << layer;
  }
}

TEST_F(SamplesTest, RefuseWhatIsNotThere) {
  finish_with_samples();
  EXPECT_THROW((void)sample_png(store_, folder_.path(), stage_, "hr", 2, 0), Error);
  EXPECT_THROW((void)sample_png(store_, folder_.path(), stage_, "hr", 0, 1), Error);
  EXPECT_THROW((void)sample_png(store_, folder_.path(), stage_, "hrr", 0, 0), Error);
}

TEST_F(SamplesTest, RefuseAFileThatWasChanged) {
  finish_with_samples();
  const auto file = std::filesystem::directory_iterator(folder_.path() / "objects")->path();
  std::string bytes = read_file(file);
  bytes.back() ^= 1;
  write_file_atomically(file, bytes);
  try {
    (void)sample_list(store_, folder_.path(), stage_);
    FAIL() << "a changed file was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
  }
}

}  // namespace reprise::dashboards::web
