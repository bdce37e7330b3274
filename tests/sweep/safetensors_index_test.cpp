#include "sweep/safetensors_index.h"

#include <gtest/gtest.h>

#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise::sweep {
namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 255U);
  return bytes + header + data;
}

struct Hostile {
  std::string bytes;
  std::string reason;  ///< Part of the error.
};

}  // namespace

TEST(SafetensorsIndex, ReadsNamesShapesAndBytes) {
  const testing::TempDir folder;
  const std::map<std::string, TensorEntry> tensors = {
      {"b", {.dtype = "F32", .shape = {2, 1}}},
      {"a", {.dtype = "U8", .shape = {}}},
      {"none", {.dtype = "I64", .shape = {0, 3}}},
  };
  const std::string header = encode_safetensors_header(tensors, {{"kind", "a \"test\" \n"}});
  EXPECT_EQ(header.size() % 8, 0U);
  write_file_atomically(folder / "f", header + "x12345678");
  const SafetensorsIndex index = read_safetensors_index(folder / "f");
  EXPECT_EQ(index.metadata.at("kind"), "a \"test\" \n");
  EXPECT_EQ(index.tensors.at("b").shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(index.tensors.at("none").shape, (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(read_tensor_bytes(folder / "f", index, "a"), "x");
  EXPECT_EQ(read_tensor_bytes(folder / "f", index, "b"), "12345678");
  EXPECT_EQ(read_tensor_bytes(folder / "f", index, "none"), "");
  try {
    (void)read_tensor_bytes(folder / "f", index, "nonee");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean \"none\""), std::string::npos);
  }
}

TEST(SafetensorsIndex, RefusesHostileFilesWithTheReason) {
  const std::string one = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const std::string eight = "12345678";
  const auto entry = [&](const std::string& text) {
    return file_of("{\"a\":" + text + "}", eight);
  };
  const std::vector<Hostile> files = {
      {"", "shorter than 8 bytes"},
      {"short", "shorter than 8 bytes"},
      {std::string(8, '\xff'), "length does not fit"},
      {std::string("\x10\0\0\0\0\0\0\0{}", 10), "length does not fit"},
      {file_of("", ""), "not a JSON object"},
      {file_of("[]", ""), "not a JSON object"},
      {file_of("{", ""), "not a JSON object"},
      {file_of("{}x", ""), "bytes behind"},
      {file_of(std::string(5000, '['), ""), "not a JSON object"},
      {file_of("{\"a\":" + std::string(5000, '{'), ""), "not a JSON object"},
      {file_of("{\"a\":" + std::string(5000, '['), ""), "a list where none belongs"},
      {entry("[1]"), "a list where none belongs"},
      {entry("7"), "a number where none belongs"},
      {file_of("{\"a\":" + one + "}", "1234567"), "outside the file"},
      {file_of("{\"a\":" + one + "}", "123456789"), "bytes behind the last tensor"},
      {file_of("{\"a\":" + one + ",\"a\":" + one + "}", eight), "\"a\" occurs twice"},
      {entry(R"({"dtype":"F33","shape":[2],"data_offsets":[0,8]})"), "unknown dtype \"F33\""},
      {entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), "a negative number"},
      {entry(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,8]})"), "no integer"},
      {entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,9]})"), "more than two"},
      {entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8]})"), "lacks"},
      {entry(R"({"dtype":"F32","data_offsets":[0,8]})"), "lacks"},
      {entry(R"({"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]})"), "a list"},
      {entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), "outside the file"},
      {entry(R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})"), "does not fit its bytes"},
      {entry(R"({"dtype":"F32","shape":[1000000000000000000],"data_offsets":[0,8]})"),
       "larger than the file"},
      {entry(R"({"dtype":"F32","shape":[1000000000,1000000000,1000000000],"data_offsets":[0,8]})"),
       "larger than the file"},
      {entry(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})"),
       "larger than the file"},
      {entry(R"({"dtype":"F32","shape":[0,4611686018427387904,8],"data_offsets":[0,0]})"),
       "larger than the file"},
      {entry(R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,8],"data_offsets":[0,8]})"),
       "too many dimensions"},
      {file_of("{\"a\":" + one + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
               eight),
       "overlap or leave a gap"},
      {file_of(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight),
       "overlap or leave a gap"},
      {file_of(R"({"__metadata__":{"a":1}})", ""), "a number where none belongs"},
      {file_of(R"({"__metadata__":{"a":"1","a":"2"}})", ""), "occurs twice"},
  };
  for (const Hostile& file : files) {
    try {
      (void)parse_safetensors_index(file.bytes, file.bytes.size(), "F");
      ADD_FAILURE() << "accepted " << file.bytes.substr(0, 100);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Corrupt);
      EXPECT_NE(std::string(error.what()).find(file.reason), std::string::npos)
          << error.what() << "\n  for " << file.bytes.substr(0, 100);
    }
  }
}

TEST(SafetensorsIndex, AMissingFileIsAWrongArgument) {
  try {
    (void)read_safetensors_index("/nonexistent");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidInput);
  }
}

}  // namespace reprise::sweep
