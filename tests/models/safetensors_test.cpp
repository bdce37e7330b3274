#include "models/safetensors.h"

#include <gtest/gtest.h>

#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise::models {
namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 255U);
  return bytes + header + data;
}

}  // namespace

TEST(Safetensors, RoundTripsEveryByte) {
  const testing::TempDir folder;
  TensorFile file;
  file.tensors["b.weight"] = torch::randn({2, 3});
  file.tensors["a"] = torch::tensor(int64_t{7});
  file.tensors["empty"] = torch::zeros({0, 4});
  file.metadata["made by"] = "a \"test\"";
  write_safetensors(folder / "f", file);
  const TensorFile back = read_safetensors(folder / "f");
  EXPECT_TRUE(torch::equal(back.tensors.at("b.weight"), file.tensors.at("b.weight")));
  EXPECT_EQ(back.tensors.at("a").item<int64_t>(), 7);
  EXPECT_EQ(back.tensors.at("empty").sizes(), (std::vector<int64_t>{0, 4}));
  EXPECT_EQ(back.metadata, file.metadata);
  EXPECT_EQ(encode_safetensors(back), encode_safetensors(file));
}

TEST(Safetensors, RefusesHostileFiles) {
  const testing::TempDir folder;
  const std::string ok = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::vector<std::string> bad = {
      "",
      "short",
      std::string(8, '\xff'),
      file_of("[]", ""),
      file_of("{", ""),
      file_of(std::string(5000, '['), ""),
      file_of(ok, "1234567"),
      file_of(ok, "123456789"),
      file_of(R"({"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", "12345678"),
      file_of(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "12345678"),
      file_of(R"({"a":{"dtype":"F32","shape":[1000000000,1000000000,1000000000],)"
              R"("data_offsets":[0,8]}})",
              "12345678"),
      file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "12345678"),
      file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
              R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
              "12345678"),
      file_of(R"({"__metadata__":{"a":1}})", ""),
  };
  for (const std::string& bytes : bad) {
    write_file_atomically(folder / "f", bytes);
    EXPECT_THROW((void)read_safetensors(folder / "f"), Error) << bytes.substr(0, 80);
  }
}

}  // namespace reprise::models
