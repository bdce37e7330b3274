#include "sweep/digest.h"

#include <gtest/gtest.h>

#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise {

TEST(Digest, MatchesThePublishedVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, OfAFileIsTheDigestOfItsBytes) {
  const testing::TempDir folder;
  const std::string text(3'000'000, 'x');
  write_file_atomically(folder / "a", text);
  EXPECT_EQ(sha256_file(folder / "a"), sha256_hex(text));
}

TEST(Digest, NamesAFileThatIsNotThere) {
  try {
    (void)sha256_file("/nowhere/at/all");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Unavailable);
    EXPECT_NE(std::string(error.what()).find("/nowhere/at/all"), std::string::npos);
  }
}

}  // namespace reprise
