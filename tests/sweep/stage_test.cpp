#include "sweep/stage.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <functional>
#include <set>
#include <vector>

#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise::sweep {
namespace {

Stage sample() {
  Stage stage;
  stage.kind = StageKind::Finetune;
  stage.config = {{"seed", 1}, {"scale", 4}};
  stage.dataset_digest = "abc";
  stage.inputs = {{"network", "n"}};
  return stage;
}

}  // namespace

TEST(StageId, IsTheSameForTheSameContent) {
  Stage other = sample();
  other.config = {{"scale", 4.0}, {"seed", 1}};
  other.label = "another name";
  other.options = {{"checkpoint_every", 7}};
  other.dataset = "another name";
  EXPECT_EQ(stage_id(sample()), stage_id(other));
  EXPECT_EQ(stage_id(sample()).size(), 64U);
}

TEST(StageId, IsTheDigestOfItsCanonicalJson) {
  Stage stage = sample();
  stage.inputs["segmenter"] = "\"quoted\"";
  const boost::json::object identity{{"semantics", 2},  // As in stage.cpp.
                                     {"kind", "finetune"},
                                     {"config", stage.config},
                                     {"dataset", "abc"},
                                     {"inputs", {{"network", "n"}, {"segmenter", "\"quoted\""}}}};
  EXPECT_EQ(stage_id(stage), sha256_hex(canonical_json(identity)));
}

TEST(StageId, ChangesWithEverythingThatChangesTheResult) {
  std::set<std::string> ids = {stage_id(sample())};
  const std::vector<std::function<void(Stage&)>> changes = {
      [](Stage& s) { s.kind = StageKind::Pretrain; }, [](Stage& s) { s.config["seed"] = 2; },
      [](Stage& s) { s.config["new"] = nullptr; },    [](Stage& s) { s.dataset_digest = "abd"; },
      [](Stage& s) { s.inputs["network"] = "m"; },    [](Stage& s) { s.inputs["segmenter"] = "n"; },
  };
  for (const auto& change : changes) {
    Stage stage = sample();
    change(stage);
    EXPECT_TRUE(ids.insert(stage_id(stage)).second);
  }
}

TEST(StageKind, NamesRoundTrip) {
  for (const auto kind :
       {StageKind::TrainUnet, StageKind::Pretrain, StageKind::Finetune, StageKind::Evaluate}) {
    EXPECT_EQ(stage_kind_from(to_string(kind)), kind);
  }
  EXPECT_THROW((void)stage_kind_from("train"), Error);
}

}  // namespace reprise::sweep
