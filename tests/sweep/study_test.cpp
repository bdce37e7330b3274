#include "sweep/study.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sweep/error.h"
#include "tests/sweep/study_support.h"

namespace reprise::sweep {
namespace {

constexpr const char* kMinimal = R"(schema = 1
name = "mini"
[datasets.d]
importer = "phantom"
subjects = 4
[trial]
dataset = "d"
[[trials]]
row = "A"
)";

std::string error_of(const std::string& text) {
  return refusal_of([&] { return parse_study(text, "s.toml"); });
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = kMinimal;
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST(Study, WritesOutThePapersDefaults) {
  const Study study = parse_study(kMinimal, "s.toml");
  ASSERT_EQ(study.trials.size(), 1U);
  const TrialSpec& trial = study.trials[0];
  EXPECT_EQ(trial.name, "a");
  EXPECT_EQ(trial.network.at("blocks").as_int64(), 8);
  EXPECT_EQ(trial.pretrain.train.at("steps").as_int64(), 100'000);
  EXPECT_EQ(trial.pretrain.train.at("learning_rate").as_double(), 2e-4);
  ASSERT_TRUE(trial.finetune);
  EXPECT_EQ(boost::json::serialize(trial.finetune->train.at("milestones")), "[10000,15000,17500]");
}

TEST(Study, ATrialsOwnTableCoversTheBase) {
  const Study study = parse_study(
      std::string(kMinimal) + "network.window = 4\nfinetune = {loss = [\"l1\", \"e1\"], steps = 7}",
      "s.toml");
  const TrialSpec& trial = study.trials[0];
  EXPECT_EQ(trial.network.at("window").as_int64(), 4);
  EXPECT_EQ(boost::json::serialize(trial.finetune->loss),
            R"([{"name":"l1","weight":1E0},)"
            R"({"name":"e1","weight":1E1,"distance":"l1","unet_mode":"eval"}])");
}

TEST(Study, AGridMakesOneTrialACombination) {
  const Study study = parse_study(
      with("row = \"A\"",
           "row = \"w{network.window}\"\ngrid = {\"network.window\" = [2, 4], seed = [1, 2, 3]}"),
      "s.toml");
  ASSERT_EQ(study.trials.size(), 6U);
  EXPECT_EQ(study.trials[0].row, "w2 seed=1");
  EXPECT_EQ(study.trials[5].row, "w4 seed=3");
  EXPECT_EQ(study.trials[5].network.at("window").as_int64(), 4);
  EXPECT_EQ(study.trials[5].seed, 3);
}

TEST(Study, LabelGroupsArePartOfTheRecipeWhereThereAreSome) {
  const auto recipe = [](const std::string& keys) {
    const std::string from = "subjects = 4\n";
    return parse_study(with(from, from + keys), "s.toml").dataset("d").recipe();
  };
  const std::string plain = recipe("");
  EXPECT_EQ(plain.find("label_groups"), std::string::npos);
  EXPECT_NE(
      recipe("label_groups = {X = [\"G\", \"W\"]}\n").find(R"("label_groups":{"X":["G","W"]})"),
      std::string::npos);
}

TEST(Study, ErrorsNameFileLineKeyAndValue) {
  EXPECT_EQ(error_of(with("subjects = 4", "subjcts = 4")),
            "s.toml:5:1: datasets.d.subjcts = 4: unknown key; did you mean \"subjects\"?");
  EXPECT_EQ(error_of(with("subjects = 4", "subjects = \"four\"")),
            "s.toml:5:12: datasets.d.subjects = \"four\": must be an integer");
  EXPECT_EQ(error_of(with("subjects = 4", "subjects = 1")),
            "s.toml:5:12: datasets.d.subjects = 1: must be between 2 and 9999");
  EXPECT_EQ(
      error_of(with("\"phantom\"", "\"phantm\"")),
      "s.toml:4:12: datasets.d.importer = \"phantm\": unknown value; did you mean \"phantom\"?");
  EXPECT_EQ(error_of(with("dataset = \"d\"", "dataset = \"e\"")),
            "s.toml:7:11: trials[0].dataset = \"e\": the study defines no such data set; valid: d");
  EXPECT_NE(
      error_of(std::string(kMinimal) + "network = {width = 50}")
          .find("s.toml:10:20: trials[0].network.width = 50: must be a multiple of heads (6)"),
      std::string::npos);
  EXPECT_NE(error_of(std::string(kMinimal) + "finetune.loss = [\"e6\"]").find("did you mean"),
            std::string::npos);
  EXPECT_NE(error_of("schema = 1\nname = ").find("s.toml:2:8: "), std::string::npos);
  EXPECT_NE(error_of(with("schema = 1", "schema = 2")).find("schema = 2"), std::string::npos);
}

TEST(Study, RefusesADataSetWhoseNameIsAPath) {
  for (const std::string name :
       {"../../x", "/x", "a/b", "..", ".", ".x", "-x", "_x", "a b", "a\\nb", "a;b", "\u00e9", ""}) {
    const std::string text = error_of(with("[datasets.d]", "[datasets.\"" + name + "\"]"));
    EXPECT_TRUE(text.starts_with("s.toml:3:")) << name << ": " << text;
    EXPECT_NE(text.find("a data set's name must be"), std::string::npos) << name << ": " << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << name << ": " << text;
  }
  const std::string longest(128, 'x');
  for (const std::string& name : {std::string("a.B_c+d-0"), std::string("0"), longest}) {
    std::string text = with("dataset = \"d\"", "dataset = \"" + name + "\"");
    text.replace(text.find("[datasets.d]"), 12, "[datasets.\"" + name + "\"]");
    EXPECT_EQ(parse_study(text, "s.toml").datasets.at(0).name, name);
  }
  EXPECT_NE(error_of(with("[datasets.d]", "[datasets." + longest + "x]")).find("at most 128"),
            std::string::npos);
}

TEST(Study, RefusesANameThatWouldSteerATerminal) {
  // Both sets of control characters come out as escapes; letters stay letters.
  EXPECT_EQ(error_of(with("name = \"mini\"", "name = \"x\\ny\"")),
            "s.toml:2:8: name = \"x\\ny\": must be of a-z 0-9 . + -, not begin with a dot, at most "
            "128 characters");
  EXPECT_NE(error_of(with("name = \"mini\"", "name = \"\\u001b[2J\\r\\u007f\\u009b1m\""))
                .find(R"(name = "\u001b[2J\u000d\u007f\u009b1m": must be)"),
            std::string::npos);
  EXPECT_NE(error_of(with("subjects = 4", "\"a\\u0000\\tb\" = 4"))
                .find(R"(datasets.d.a\u0000\u0009b = 4: unknown key)"),
            std::string::npos);
  EXPECT_NE(error_of(with("name = \"mini\"", "name = \"\u00e9\"")).find("name = \"\u00e9\": must"),
            std::string::npos);
  for (const char* name : {".", "..", ".hidden"}) {
    EXPECT_NE(error_of(with("\"mini\"", "\"" + std::string(name) + "\"")).find("begin with a dot"),
              std::string::npos)
        << name;
  }
}

TEST(Study, RefusesTwoTrialsOfOneName) {
  EXPECT_NE(error_of(std::string(kMinimal) + "[[trials]]\nrow = \"a\"\n").find("stands twice"),
            std::string::npos);
}

TEST(Study, RefusesTwoTablesOfOneName) {
  const std::string table = "[[tables]]\nname = \"t\"\ncolumns = [\"PSNR\"]\n";
  const std::string text = error_of(std::string(kMinimal) + table + table);
  EXPECT_TRUE(text.starts_with("s.toml:14:8: tables[1].name = \"t\": is that of another table"))
      << text;
}

TEST(Study, AMissingFileIsNamed) {
  try {
    (void)load_study("no/such.toml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "no/such.toml: no such file");
  }
}

}  // namespace reprise::sweep
