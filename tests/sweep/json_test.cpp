#include "sweep/json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>

#include "sweep/error.h"

namespace reprise::sweep {

TEST(CanonicalJson, SortsKeysAndNormalisesNumbers) {
  const auto a = boost::json::parse(R"({"b": 1.0, "a": [1e-4, true, null, "ü\n"], "c": -0.0})");
  EXPECT_EQ(canonical_json(a), "{\"a\":[1e-04,true,null,\"ü\\n\"],\"b\":1,\"c\":0}");
}

TEST(CanonicalJson, EscapesTextsAsBoostDoes) {
  for (int c = 0; c < 128; ++c) {
    const std::string text = std::string("a") + static_cast<char>(c) + "b";
    EXPECT_EQ(canonical_json(boost::json::string(text)),
              boost::json::serialize(boost::json::string(text)));
    const boost::json::object object{{text, text}};
    EXPECT_EQ(canonical_json(object), boost::json::serialize(object));
  }
  EXPECT_EQ(canonical_json(boost::json::parse("[18446744073709551615,-9223372036854775808,0]")),
            "[18446744073709551615,-9223372036854775808,0]");
}

TEST(CanonicalJson, OneTextReadsBackToItself) {
  const auto value = boost::json::parse(R"({"x": 0.1, "y": 1e300, "z": 123456789012345678})");
  const std::string text = canonical_json(value);
  EXPECT_EQ(canonical_json(parse_json(text, "test")), text);
}

TEST(CanonicalJson, RefusesWhatJsonCannotHold) {
  EXPECT_THROW((void)canonical_json(std::numeric_limits<double>::quiet_NaN()), Error);
}

TEST(ParseJson, NamesTheSource) {
  try {
    (void)parse_json("{", "row 7");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    EXPECT_EQ(std::string(error.what()).find("row 7: not JSON"), 0U);
  }
}

}  // namespace reprise::sweep
