/// Hostile pickles, made by hand. Real ones: weights_file_test.cpp.

#include "models/pickle.h"

#include <gtest/gtest.h>

#include "sweep/error.h"

namespace reprise::models {
namespace {

std::string text(const std::string& value) {
  return "U" + std::string(1, static_cast<char>(value.size())) + value;
}

std::string number(std::uint32_t value) {
  std::string out = "J";
  for (unsigned i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i) & 255U);
  return out;
}

std::string huge() { return std::string("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", 10); }

/// A storage of `length` floats.
std::string storage(const std::string& length) {
  return "(" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + length + "tQ";
}

/// {"w": tensor} with the given numbers.
std::string state(const std::string& length, const std::string& offset, const std::string& shape,
                  const std::string& stride) {
  return "}(" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n(" + storage(length) + offset +
         "(" + shape + "t(" + stride + "t\x89" + "}tRu.";
}

std::string refusal(const std::string& bytes) {
  try {
    (void)read_pickled_tensors(bytes, "F");
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    return error.what();
  }
}

}  // namespace

TEST(Pickle, ReadsAView) {
  const auto read = read_pickled_tensors(
      state(number(12), number(1), number(2) + number(3), number(4) + number(1)), "F");
  ASSERT_EQ(read.tensors.size(), 1U);
  EXPECT_EQ(read.tensors[0].name, "w");
  EXPECT_EQ(read.tensors[0].tensor.dtype, "F32");
  EXPECT_EQ(read.tensors[0].tensor.offset, 1);
  EXPECT_EQ(read.tensors[0].tensor.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read.tensors[0].tensor.stride, (std::vector<std::int64_t>{4, 1}));
}

TEST(Pickle, TensorsLieInsideTheirStorage) {
  const std::string larger = "larger than its storage";
  for (const std::string& bytes :
       {state(number(6), number(1), number(2) + number(3), number(3) + number(1)),
        state(number(6), number(0), huge(), number(1)),
        state(number(6), number(0), huge() + huge(), number(0) + number(0)),
        state(number(6), number(0), number(7), number(0)),  // Expanded: larger than what is there.
        state(number(6), number(5), number(2), huge()), state(number(6), huge(), number(2), huge()),
        state(number(6), number(6), number(1), number(1))}) {
    EXPECT_NE(refusal(bytes).find(larger), std::string::npos) << refusal(bytes);
  }
  EXPECT_NE(refusal(state(number(6), number(0), number(0xffffffff), number(1))).find("a size"),
            std::string::npos);
  EXPECT_NE(refusal(state(number(0xffffffff), number(0), number(1), number(1))).find("no storage"),
            std::string::npos);
}

TEST(Pickle, NothingIsCalled) {
  EXPECT_NE(refusal("cos\nsystem\n(" + text("true") + "tR.").find("holds os.system"),
            std::string::npos);
  EXPECT_NE(refusal("cbuiltins\neval\n.").find("holds builtins.eval"), std::string::npos);
  EXPECT_NE(refusal(text("os") + text("system") + "\x93.").find("holds os.system"),
            std::string::npos);
  EXPECT_NE(refusal("ctorch\nFloatStorage\n)R.").find("calls torch.FloatStorage"),
            std::string::npos);
  EXPECT_NE(refusal("(itorch\nX\n.").find("unusual instruction"), std::string::npos);
}

TEST(Pickle, BrokenStreamsAreErrors) {
  const std::string whole =
      state(number(12), number(1), number(2) + number(3), number(4) + number(1));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(refusal(whole.substr(0, length)), "accepted") << length;
  }
  for (const char* bytes :
       {".", "0.", "R.", "u.", "(u.", "h\x05.", "s.", "a.", "t.", "b.", "Q.", "}b.", "\x93.",
        "N\x93.", "}Nu.", "}(Nu.", "]}u.", "X\xff\xff\xff\xff."}) {
    EXPECT_NE(refusal(bytes), "accepted") << bytes;
  }
}

TEST(Pickle, DeepAndRepeatedNestingEndsWithoutHarm) {
  EXPECT_NE(refusal(std::string(1'000'000, '}') + "."), "accepted");
  std::string deep = ")";
  for (int i = 0; i < 1'000'000; ++i) deep += '\x85';
  EXPECT_NE(refusal(deep + "."), "accepted");
  // Each tuple holds the one before twice: 2^200 leaves.
  std::string doubled = ")q";
  doubled += '\0';
  for (int i = 0; i < 200; ++i) {
    doubled += "h";
    doubled += '\0';
    doubled += "h";
    doubled += '\0';
    doubled += "\x86q";
    doubled += '\0';
  }
  EXPECT_NE(refusal(doubled + "."), "accepted");
  // A dictionary that is its own only entry.
  EXPECT_NE(refusal(std::string("}q\0(U\1ah\0u.", 11)), "accepted");
  EXPECT_NE(refusal(std::string(8'000'000, 'N') + "."), "accepted");
}

}  // namespace reprise::models
