#include "sweep/network_schema.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sweep/json.h"
#include "tests/sweep/study_support.h"

namespace reprise::sweep {
namespace {

boost::json::object resolved(const std::string& text) {
  return resolve_network(boost::json::parse(text).as_object());
}

std::string schema_refusal(const std::string& text) {
  return refusal_of([&] { return resolved(text); });
}

}  // namespace

TEST(NetworkSchema, EqualNetworksAreEqualByEveryName) {
  const auto json = [](const std::string& text) { return canonical_json(resolved(text)); };
  EXPECT_EQ(json(R"({"name": "rdst-e"})"), json(R"({"name": "rdst", "blocks": 4})"));
  EXPECT_EQ(json(R"({"name": "rdst-gff"})"), json(R"({"name": "rdst", "gff": true})"));
  EXPECT_EQ(json(R"({"name": "swinir-lite"})"),
            json(R"({"name": "swinir", "width": 60, "blocks": 4})"));
  EXPECT_EQ(json(R"({"name": "rdst", "layers": [2, 2, 2]})"),
            json(R"({"name": "rdst", "blocks": 3})"));
  EXPECT_EQ(json(R"({"name": "edsr", "residual_scale": 1})"),
            json(R"({"name": "edsr", "residual_scale": 1.0})"));
  // A complete configuration is its own completion.
  for (const std::string& name : network_names()) {
    const auto once = resolve_network({{"name", name}});
    EXPECT_EQ(resolve_network(once), once) << name;
  }
}

TEST(NetworkSchema, AListGivesOneValueForEachBlock) {
  const auto network = resolved(R"({"name": "rdst", "layers": [2, 4], "heads": 3})");
  EXPECT_EQ(network.at("blocks").as_int64(), 2);
  EXPECT_EQ(per_block(network, "layers"), (std::vector<std::int64_t>{2, 4}));
  EXPECT_EQ(per_block(network, "dense_layers"), (std::vector<std::int64_t>{3, 3}));
}

TEST(NetworkSchema, RefusesWithTheReason) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({})", "network.name = nothing"},
      {R"({"name": 3})", "network.name = 3"},
      {R"({"name": "edssr"})", "did you mean \"edsr\"?"},
      {R"({"name": "rdst", "widht": 60})", "did you mean \"width\"?"},
      {R"({"name": "han", "groups": 9})", "network.groups = 9: must be 10"},
      {R"({"name": "rdst", "drop_path": 1})",
       "network.drop_path = 1: must be a number between 0 and 0.9"},
      {R"({"name": "swinir", "drop_path": "0.1"})",
       "network.drop_path = \"0.1\": must be a number"},
      {R"({"name": "edsr", "residual_scale": 0})", "network.residual_scale = 0: must be a number"},
      {R"({"name": "rdst", "width": 64})", "network.width = 64: must be a multiple of heads (6)"},
      {R"({"name": "rdst", "growth": 32})", "must be a multiple of heads (6)"},
      {R"({"name": "rdst", "heads": 7})", "must be a multiple of heads (7)"},
      {R"({"name": "rdst", "dense_layers": [3, 3], "blocks": 3})", "has 2 values for 3 blocks"},
      {R"({"name": "rdst", "dense_layers": [3, 3], "layers": [2, 2, 2]})",
       "has 2 values for 3 blocks"},
      {R"({"name": "rdst", "layers": []})", "must not be empty"},
      {R"({"name": "rdst", "window": 1})", "must be an integer between 2 and 64"},
      {R"({"name": "rdst", "width": 60.0})", "must be an integer"},
      {R"({"name": "rdst", "width": 18446744073709551615})", "must be an integer"},
      {R"({"name": "rdst", "width": "60"})", "must be an integer"},
      {R"({"name": "rdst", "width": [60]})", "must be an integer"},
      {R"({"name": "rdst", "gff": 1})", "must be true or false"},
      {R"({"name": "edsr", "residual_scale": true})", "must be a number"},
      {R"({"name": "edsr", "activation": "gelu"})", "unknown value"},
      {R"({"name": "edsr", "window": 8})", "no such key of edsr"},
      {R"({"name": "rcan", "width": 24})", "must be a multiple of reduction (16)"},
      {R"({"name": "edsr", "width": 4096, "blocks": 1024})", "more than 2000000000"},
  };
  for (const auto& [text, reason] : cases) {
    const std::string got = schema_refusal(text);
    EXPECT_NE(got.find(reason), std::string::npos) << text << "\n  gives: " << got;
  }
}

}  // namespace reprise::sweep
