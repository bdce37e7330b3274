#include "worker/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sweep/error.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

class Checkpoint : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(folder_); }

  static Snapshot snapshot(std::int64_t step) {
    return {.step = step,
            .tensors = {{"weights", torch::full({40}, static_cast<double>(step))},
                        {"count", torch::full({}, step, torch::kInt64)}}};
  }

  void flip_a_bit(const std::string& name, std::streamoff at) const {
    std::fstream file(folder_ / name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(at);
    file.put(byte);
  }

  fs::path folder_ = fs::temp_directory_path() / ("reprise-checkpoint-" + std::to_string(getpid()));
  CheckpointStore store_{folder_};
};

TEST_F(Checkpoint, NothingIsFoundWhereNothingIs) {
  const auto loaded = store_.load_newest();
  EXPECT_FALSE(loaded.snapshot);
  EXPECT_TRUE(loaded.warnings.empty());
}

TEST_F(Checkpoint, TheNewestComesBack) {
  store_.save(snapshot(50));
  store_.save(snapshot(100));
  const auto loaded = store_.load_newest().snapshot;
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->step, 100);
  EXPECT_TRUE(torch::equal(loaded->tensors.at("weights"), snapshot(100).tensors.at("weights")));
  EXPECT_EQ(loaded->tensors.at("count").item<int64_t>(), 100);
}

TEST_F(Checkpoint, AsManyAreKeptAsAsked) {
  const CheckpointStore three(folder_, 3);
  for (const std::int64_t step : {10, 20, 30, 40}) three.save(snapshot(step));
  EXPECT_FALSE(fs::exists(folder_ / "step-00000010.json"));
  EXPECT_TRUE(fs::exists(folder_ / "step-00000020.json"));
}

TEST_F(Checkpoint, OnlyTwoAreKept) {
  for (const std::int64_t step : {10, 20, 30}) store_.save(snapshot(step));
  EXPECT_FALSE(fs::exists(folder_ / "step-00000010.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / "step-00000010.json"));
  EXPECT_TRUE(fs::exists(folder_ / "step-00000020.safetensors"));
  EXPECT_TRUE(fs::exists(folder_ / "step-00000030.json"));
}

TEST_F(Checkpoint, AFlippedBitMeansTheOneBefore) {
  store_.save(snapshot(50));
  const auto size = [&] {
    return static_cast<std::streamoff>(fs::file_size(folder_ / "step-00000100.safetensors"));
  };
  for (int tenth = 0; tenth < 10; ++tenth) {
    store_.save(snapshot(100));
    flip_a_bit("step-00000100.safetensors", size() * tenth / 10);
    const auto loaded = store_.load_newest();
    EXPECT_EQ(loaded.snapshot->step, 50);
    ASSERT_EQ(loaded.warnings.size(), 1U);
    EXPECT_NE(loaded.warnings[0].find("step-00000100.safetensors"), std::string::npos);
  }
  flip_a_bit("step-00000050.safetensors", 200);
  EXPECT_FALSE(store_.load_newest().snapshot);
  EXPECT_EQ(store_.load_newest().warnings.size(), 2U);
}

TEST_F(Checkpoint, ATornOrForeignManifestMeansTheOneBefore) {
  store_.save(snapshot(50));
  std::ofstream(folder_ / "step-00000100.json") << "{\"step\": 100, ";
  std::ofstream(folder_ / "step-00000150.json") << "[1, 2]";
  EXPECT_EQ(store_.load_newest().snapshot->step, 50);
}

}  // namespace
}  // namespace reprise::worker
