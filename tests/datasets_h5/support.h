#pragma once
/// What the tests of this folder share: a temporary folder, byte surgery, a small data set.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "datasets_h5/dataset_file.h"
#include "datasets_h5/volume.h"
#include "sweep/error.h"
#include "tests/support/read_split.h"

namespace reprise::datasets::testing {

/// A fresh folder, deleted with the object.
class TempFolder {
 public:
  TempFolder() {
    static std::atomic<int> counter{0};
    path_ = std::filesystem::path(::testing::TempDir()) /
            ("reprise-datasets-" + std::to_string(::getpid()) + "-" + std::to_string(counter++));
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Runs `call`; it must throw an Error of `code` whose text holds `part`.
template <typename Call>
void expect_error(ErrorCode code, const std::string& part, const Call& call) {
  try {
    call();
    FAIL() << "no error; expected one with: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

/// Values 1, 2, 3, ... in stored order.
inline Volume counting_volume(std::array<int, 3> dims, Element element = Element::Int16) {
  Volume volume;
  volume.dims = dims;
  volume.voxel_mm = {1, 2, 3};
  volume.element = element;
  for (std::size_t i = 0; i < volume.voxels(); ++i) {
    volume.values.push_back(static_cast<float>(i % 200 + 1));
  }
  return volume;
}

/// All voxels `value`.
inline Volume constant_volume(std::array<int, 3> dims, float value) {
  Volume volume = counting_volume(dims, Element::UInt8);
  std::fill(volume.values.begin(), volume.values.end(), value);
  return volume;
}

}  // namespace reprise::datasets::testing
