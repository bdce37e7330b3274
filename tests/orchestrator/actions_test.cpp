#include "orchestrator/actions.h"

#include <gtest/gtest.h>

#include "sweep/error.h"
#include "tests/orchestrator/core_plan.h"

namespace reprise {
namespace {

std::string id(char digit) { return std::string(63, digit) + "0"; }

sweep::Plan plan() {
  sweep::Plan plan;
  plan.study = "quick";
  for (const char digit : {'a', 'b', 'c'}) {
    plan.stages.push_back(core::make_stage(id(digit), 1));
  }
  plan.stages.push_back(core::make_stage(std::string(62, 'a') + "ff", 1));
  plan.trials = {{"one", "One", {{"pretrain", id('a')}, {"evaluate", id('b')}}},
                 {"two", "Two", {{"pretrain", id('a')}, {"evaluate", id('c')}}},
                 {"none", "None", {{"pretrain", id('a')}}}};
  return plan;
}

ActionRequest parse(const std::string& name, const std::string& body) {
  web::Call call;
  call.body = body;
  call.peer = "10.0.0.9";
  const sweep::Plan ours = plan();
  return parse_action(name, call, {&ours});
}

std::string error_of(const std::string& name, const std::string& body) {
  try {
    parse(name, body);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidInput);
    return error.what();
  }
  ADD_FAILURE() << "no error for " << body;
  return {};
}

TEST(Actions, SelectsByPrefixTrialAndStudy) {
  const auto cancelled = [](const std::string& body) {
    return std::get<core::CancelRequested>(parse("cancel", body).event).stages;
  };
  EXPECT_EQ(cancelled(R"({"stages":["bbbbbb"]})"), std::vector<std::string>{id('b')});
  // A trial's own stages only: the other one goes on.
  EXPECT_EQ(cancelled(R"({"trial":"one"})"), std::vector<std::string>{id('b')});
  EXPECT_EQ(cancelled(R"({"trial":"one","stages":["cccccc"]})").size(), 2U);
  EXPECT_EQ(cancelled(R"({"study":"quick"})").size(), 4U);
}

TEST(Actions, SaysWhoAndWhat) {
  const ActionRequest request =
      parse("prioritise", R"({"who":"ada\n","stages":["bbbbbb"],"priority":-3})");
  EXPECT_EQ(request.who, "ada? at 10.0.0.9");
  EXPECT_EQ(request.text, "bbbbbbbbbbbb: -3");
  EXPECT_EQ(std::get<core::PriorityRequested>(request.event).priority, -3);
  EXPECT_EQ(parse("pause", "").who, "somebody at 10.0.0.9");
}

TEST(Actions, WrongRequestsNameTheKey) {
  EXPECT_EQ(error_of("cancel", R"({"stages":["aaaaaa"]})"),
            "body, key stages, \"aaaaaa\": fits more than one");
  EXPECT_EQ(error_of("cancel", R"({"stages":["a"]})"),
            "body, key stages, \"a\": want at least 6 digits of a stage's id");
  EXPECT_NE(error_of("cancel", R"({"trial":"twoo"})").find("\"two\""), std::string::npos);
  EXPECT_NE(error_of("cancel", R"({"trial":"none"})").find("other trials"), std::string::npos);
  EXPECT_NE(error_of("cancel", R"({"stage":[]})").find("\"stages\""), std::string::npos);
  EXPECT_NE(error_of("retry", R"({"study":"quik"})").find("quick"), std::string::npos);
  for (const char* body :
       {"[]", "{", R"({"stages":{}})", R"({"stages":[1]})", R"({"who":1})", "{}",
        R"({"stages":["bbbbbb"],"priority":1.5})", R"({"stages":["bbbbbb"],"priority":1001})"}) {
    error_of("prioritise", body);
  }
  error_of("cancel", R"({"who":")" + std::string(129, 'x') + "\",\"study\":\"quick\"}");
}

}  // namespace
}  // namespace reprise
