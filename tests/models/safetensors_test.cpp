#include "models/safetensors.h"

#include <gtest/gtest.h>

#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise::models {
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

TEST(Safetensors, EveryDtypeRoundTrips) {
  const testing::TempDir folder;
  TensorFile file;
  for (const auto type :
       {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
        torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt64, torch::kUInt32, torch::kUInt16,
        torch::kUInt8, torch::kBool, torch::kFloat8_e4m3fn, torch::kFloat8_e5m2}) {
    file.tensors[c10::toString(type)] = torch::tensor({0.0, 1.0, 0.0}).to(type);
  }
  write_safetensors(folder / "f", file);
  for (const auto& [key, value] : read_safetensors(folder / "f").tensors) {
    EXPECT_EQ(c10::toString(value.scalar_type()), key);
    EXPECT_TRUE(
        torch::equal(value.to(torch::kFloat64), torch::tensor({0.0, 1.0, 0.0}, torch::kFloat64)));
  }
  file.tensors["c"] = torch::zeros({1}, torch::kComplexFloat);
  EXPECT_THROW(write_safetensors(folder / "f", file), Error);
}

TEST(Safetensors, ATornFileIsRefused) {
  const testing::TempDir folder;
  TensorFile file;
  file.tensors["a"] = torch::ones({100});
  const std::string whole = encode_safetensors(file);
  for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{7}}) {
    write_file_atomically(folder / "f", whole.substr(0, size));
    EXPECT_THROW((void)read_safetensors(folder / "f"), Error) << size;
  }
}

}  // namespace reprise::models
