// Studies of several files: includes, values, references, folders.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sweep/files.h"
#include "sweep/study.h"
#include "tests/support/temp_dir.h"
#include "tests/sweep/study_support.h"

namespace reprise::sweep {
namespace {

namespace fs = std::filesystem;

class StudyFiles : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    write_file_atomically(folder_.path() / name, text);
  }
  [[nodiscard]] Study load(const std::string& name) const {
    return load_study(folder_.path() / name);
  }
  [[nodiscard]] std::string error_of(const std::string& name) const {
    return without_folder(refusal_of([&] { return load(name); }));
  }
  [[nodiscard]] std::string without_folder(std::string text) const {
    const std::string prefix = folder_.path().string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    return text;
  }
  void SetUp() override {
    write("scale.toml", R"([datasets.d]
importer = "phantom"
[values]
net = {name = "rdst-e", width = 12, growth = 6}
widths = [12, 24]
steps = 7
)");
    write("rows.toml", R"([trial]
dataset = "${set}"
pretrain.steps = "${steps}"
[[trials]]
row = "w{network.width}"
network = "${net}"
grid = {"network.width" = "${widths}"}
)");
    write("study.toml", R"(schema = 1
name = "study"
include = ["scale.toml", "rows.toml"]
values = {set = "d"}
)");
  }

  reprise::testing::TempDir folder_;
};

}  // namespace

TEST_F(StudyFiles, ATemplateTakesItsValuesFromAScale) {
  const Study study = load("study.toml");
  ASSERT_EQ(study.trials.size(), 2U);
  EXPECT_EQ(study.trials[1].row, "w24");
  EXPECT_EQ(study.trials[1].dataset, "d");
  EXPECT_EQ(study.trials[1].network.at("growth").as_int64(), 6);
  EXPECT_EQ(study.trials[1].pretrain.train.at("steps").as_int64(), 7);
  EXPECT_NE(study.text.find("widths = [12, 24]"), std::string::npos);
}

TEST_F(StudyFiles, ErrorsNameTheFileThatHoldsTheValue) {
  write("scale.toml",
        "[datasets.d]\nimporter = \"phantom\"\n[values]\nwidths = [12]\nsteps = 0\n"
        "net = {}\n");
  EXPECT_EQ(error_of("study.toml"),
            "scale.toml:5:9: trials[0].pretrain.steps = 0: must be between 1 and 100000000");
  write("scale.toml", "[datasets.d]\nimporter = \"phantom\"\n[values]\nwidth = [12]\nsteps = 1\n");
  EXPECT_EQ(error_of("study.toml"),
            "rows.toml:7:27: \"${widths}\": no such key in [values]; did you mean \"width\"?");
}

TEST_F(StudyFiles, IncludesInACircleAreRefused) {
  write("rows.toml", "include = [\"study.toml\"]\n");
  EXPECT_EQ(error_of("study.toml"),
            "rows.toml:1:12: include = \"study.toml\": the files include each other in a circle");
  write("rows.toml", "include = [\"nowhere.toml\"]\n");
  EXPECT_EQ(error_of("study.toml"),
            "rows.toml:1:12: include = \"nowhere.toml\": no such file: nowhere.toml");
}

TEST_F(StudyFiles, ValuesThatNameEachOtherAreRefused) {
  write("scale.toml",
        "[datasets.d]\nimporter = \"phantom\"\n[values]\nwidths = [12]\n"
        "steps = \"${more}\"\nmore = \"${steps}\"\nnet = {}\n");
  EXPECT_NE(error_of("study.toml").find("refer to each other in a circle"), std::string::npos);
}

TEST_F(StudyFiles, AFolderIsOneStudyInNaturalOrder) {
  fs::create_directory(folder_.path() / "all");
  const std::string body =
      "include = [\"../scale.toml\", \"../rows.toml\"]\nvalues = {set = \"d\"}\n";
  write("all/t10.toml", "schema = 1\nname = \"t10\"\n" + body);
  write("all/t2.toml", "schema = 1\nname = \"t2\"\n" + body);
  const Study study = load("all");
  EXPECT_EQ(study.name, "all");
  ASSERT_EQ(study.trials.size(), 4U);
  EXPECT_EQ(study.trials[0].name, "t2.w12");
  EXPECT_EQ(study.trials[3].name, "t10.w24");
  EXPECT_EQ(study.trials[3].group, "t10");
  // What the two studies have in common is one stage.
  const Plan plan = make_plan(study, {{"d", std::string(64, 'a')}});
  EXPECT_EQ(plan.trials[0].stages, plan.trials[2].stages);
  write("all/t3.toml", "schema = 1\nname = \"t2\"\n" + body);
  EXPECT_EQ(error_of("all"),
            "all/t3.toml:2:8: name = \"t2\": is that of another study of the folder "
            "(all/t2.toml:2:8)");
}

TEST_F(StudyFiles, DataSetsOfOneNameAreOneInAFolder) {
  fs::create_directory(folder_.path() / "all");
  const std::string body = "[[trials]]\nrow = \"A\"\ndataset = \"d\"\n";
  write("all/a.toml", "schema = 1\nname = \"a\"\n[datasets.d]\nimporter = \"phantom\"\n" + body);
  write("all/b.toml",
        "schema = 1\nname = \"b\"\n[datasets.d]\nseed = 2\nimporter = \"phantom\"\n" + body);
  EXPECT_EQ(
      error_of("all"),
      "all/b.toml:5:12: data set \"d\" differs from that of all/a.toml:4:12, another study of "
      "the folder");
}

TEST_F(StudyFiles, WeightsOfOneNameAreOneInAFolder) {
  fs::create_directory(folder_.path() / "all");
  const std::string body =
      "[datasets.d]\nimporter = \"phantom\"\n[[trials]]\nrow = \"A\"\ndataset = \"d\"\n";
  write("all/a.toml", "schema = 1\nname = \"a\"\n[weights]\nvgg19 = \"random\"\n" + body);
  write("all/b.toml", "schema = 1\nname = \"b\"\n[weights]\nvgg19 = \"x.pth\"\n" + body);
  EXPECT_EQ(error_of("all"),
            "all/b.toml:4:9: weights.vgg19: are not those of all/a.toml:4:9, another study of the "
            "folder");
}

TEST_F(StudyFiles, MissingWeightsAreNamedWhereTheyAreWritten) {
  write("study.toml",
        "schema = 1\nname = \"s\"\n[weights]\nvgg19 = \"no.pth\"\n[datasets.d]\n"
        "importer = \"phantom\"\n[[trials]]\nrow = \"A\"\ndataset = \"d\"\n");
  const std::string error = without_folder(refusal_of([&] {
    require_weights(load("study.toml"));
    return 0;
  }));
  EXPECT_EQ(error,
            "study.toml:4:9: weights.vgg19 = \"no.pth\": no such file; put it there or link it");
}

TEST_F(StudyFiles, AFineTuningNamesThePretrainingOfAnotherStudy) {
  write("tune.toml", R"(schema = 1
name = "tune"
include = ["scale.toml"]
[[trials]]
row = "E"
dataset = "d"
network = {name = "rdst-e", width = 24, growth = 6}
pretrain.from = "study.toml:w24"
finetune.loss = ["l1", "e1"]
)");
  const std::map<std::string, std::string> digests = {{"d", std::string(64, 'a')}};
  const Plan tune = make_plan(load("tune.toml"), digests);
  const Plan plan = make_plan(load("study.toml"), digests);
  EXPECT_EQ(tune.trials[0].stages.at("pretrain"), plan.trials[1].stages.at("pretrain"));
  write("study.toml",
        "schema = 1\nname = \"study\"\ninclude = [\"scale.toml\"]\n[[trials]]\n"
        "row = \"w24\"\ndataset = \"d\"\npretrain.from = \"tune.toml:e\"\n");
  EXPECT_EQ(error_of("tune.toml"),
            "study.toml:7:17: pretrain.from = \"tune.toml:e\": the studies "
            "refer to each other in a circle");
}

TEST_F(StudyFiles, AReferenceToNothingIsRefusedWithTheNearestName) {
  write("tune.toml", R"(schema = 1
name = "tune"
include = ["scale.toml"]
[trial]
dataset = "d"
[[trials]]
row = "base"
[[trials]]
row = "E"
pretrain.from = "bas"
)");
  EXPECT_EQ(error_of("tune.toml"),
            "tune.toml:10:17: pretrain.from = \"bas\": no such trial; did you mean \"base\"?");
}

TEST_F(StudyFiles, AStudyOfAHundredMegabytesIsNotRead) {
  write("big.toml", "");
  fs::resize_file(folder_.path() / "big.toml", 100U << 20U);
  EXPECT_EQ(error_of("big.toml"), "big.toml:1:1: is 100 MiB long, a study at most 4 MiB");
}

}  // namespace reprise::sweep
