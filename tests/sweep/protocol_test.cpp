#include "sweep/protocol.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sweep/error.h"
#include "sweep/study.h"

namespace reprise::sweep {
namespace {

constexpr const char* kHead = R"(schema = 1
name = "s"
[datasets.d]
importer = "phantom"
[trial]
dataset = "d"
network = { blocks = 1 }
)";

Study study_of(const std::string& trial) { return parse_study(kHead + trial, "s.toml"); }

std::string loss_of(const std::string& trial) {
  return boost::json::serialize(study_of(trial).trials.at(0).finetune->loss);
}

}  // namespace

TEST(Protocol, ThePaperIsTheDefault) {
  EXPECT_EQ(loss_of("[[trials]]\nrow = \"A\"\nfinetune.loss = [\"l1\", \"e1\", \"sum_e\"]"),
            R"([{"name":"l1","weight":1E0},)"
            R"({"name":"e1","weight":1E1,"distance":"l1","unet_mode":"eval"},)"
            R"({"name":"sum_e","weight":1E1,"distance":"l1","unet_mode":"eval","sum":"sum"}])");
}

TEST(Protocol, ReleasedTurnsEverySwitchAndSingleOnesTurnAlone) {
  EXPECT_EQ(loss_of("[[trials]]\nrow = \"A\"\nprotocol = \"released\"\n"
                    "switches = {unet_mode = \"eval\"}\nfinetune.loss = [\"l1\", \"sum_e\"]"),
            R"([{"name":"l1","weight":1E-1},)"
            R"({"name":"sum_e","weight":1E0,"distance":"mse","unet_mode":"eval","sum":"nested"}])");
  const Study study = study_of("[[trials]]\nrow = \"A\"\nprotocol = \"released\"\n");
  EXPECT_EQ(study.trials[0].init, "truncated-normal");
  EXPECT_EQ(study.trials[0].pretrain.train.at("steps").as_int64(), 100'001);
  EXPECT_EQ(study.trials[0].segmenter.train.at("steps").as_int64(), 100'000);
}

TEST(Protocol, ATermsOwnKeyWins) {
  EXPECT_EQ(loss_of("[[trials]]\nrow = \"A\"\nfinetune.loss = [{name = \"d\", distance = "
                    "\"mse\", weight = 2}]"),
            R"([{"name":"d","weight":2E0,"distance":"mse","unet_mode":"eval"}])");
}

TEST(Protocol, TermsHaveOnlyTheKeysOfTheirKind) {
  for (const std::string bad :
       {"{name = \"l1\", distance = \"mse\"}", "{name = \"hrl\", distance = \"mse\"}",
        "{name = \"e1\", layer = \"conv5_4\"}", "{name = \"vgg\", unet_mode = \"eval\"}"}) {
    EXPECT_THROW(loss_of("[[trials]]\nrow = \"A\"\nfinetune.loss = [" + bad + "]"), Error) << bad;
  }
  EXPECT_THROW(loss_of("[[trials]]\nrow = \"A\"\nfinetune.loss = [\"wgan-gp\", \"wgan-gp\"]"),
               Error);
}

TEST(Protocol, SaysWhatALossNeeds) {
  const auto loss = boost::json::parse(R"([{"name":"l1"},{"name":"hrl"},{"name":"vgg"}])");
  const LossNeeds needs = needs_of(loss.as_array());
  EXPECT_TRUE(needs.unet);
  EXPECT_TRUE(needs.vgg);
  EXPECT_FALSE(needs.critic);
  EXPECT_EQ(loss_label(loss.as_array()), "l1+hrl+vgg");
}

}  // namespace reprise::sweep
