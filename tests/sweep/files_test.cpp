#include "sweep/files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "sweep/error.h"
#include "tests/support/temp_dir.h"

namespace reprise {

TEST(Files, WritesAndReadsBack) {
  const testing::TempDir folder;
  write_file_atomically(folder / "deep/er/name.txt", "hello");
  EXPECT_EQ(read_file(folder / "deep/er/name.txt"), "hello");
}

TEST(Files, AnUncommittedFileLeavesNothingBehind) {
  const testing::TempDir folder;
  write_file_atomically(folder / "name", "old");
  {
    const AtomicFile file(folder / "name");
    std::ofstream(file.temporary()) << "half of the n";
  }
  EXPECT_EQ(read_file(folder / "name"), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, RefusesAFileLongerThanTheLimit) {
  const testing::TempDir folder;
  write_file_atomically(folder / "name", "12345");
  EXPECT_THROW((void)read_file(folder / "name", 4), Error);
  EXPECT_EQ(read_file(folder / "name", 5), "12345");
}

TEST(Files, AFolderThatCannotBeMadeIsNamed) {
  const testing::TempDir folder;
  write_file_atomically(folder / "file", "");
  EXPECT_THROW(write_file_atomically(folder / "file/below", ""), Error);
}

}  // namespace reprise
