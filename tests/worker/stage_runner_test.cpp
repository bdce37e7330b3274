#include "worker/stage_runner.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <filesystem>

#include "datasets_h5/dataset_file.h"
#include "models/safetensors.h"
#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/worker/mpi_main.h"
#include "worker/nvml.h"
#include "worker/residency.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNetwork =
    R"("network":{"name":"rdst","width":12,"growth":6,"heads":2,"blocks":1,"layers":1,
       "dense_layers":1},"scale":4,"noise":0,"seed":1)";
constexpr const char* kTrain = R"("loss":[{"name":"l1","weight":1}],"train":{"steps":2,"batch":2,
    "patch":8,"learning_rate":1e-3,"milestones":[],"gamma":0.5})";

/// Two training slices and one test slice, 64x64, of two subjects.
datasets::Dataset toy_dataset(int channels = 1) {
  datasets::Dataset dataset;
  auto& info = dataset.info;
  info.name = "toy";
  info.importer = "test";
  info.options = "{}";
  info.label_names = {"background", "G"};
  info.count = 3;
  info.channels = channels;
  info.height = 64;
  info.width = 64;
  info.slice_subject = {0, 0, 1};
  const auto each = [&](auto value) {
    return std::vector<decltype(value)>(static_cast<std::size_t>(channels), value);
  };
  info.subjects = {{"a", "train", each(1.0), each(0.0), each(0.0), each(200.0), {1, 1, 1}},
                   {"b", "test", each(1.0), each(0.0), each(0.0), each(200.0), {1, 1, 1}}};
  for (int i = 0; i < 3 * channels * 64 * 64; ++i) {
    dataset.images.push_back(static_cast<float>(i * 7 % 201));
  }
  for (int i = 0; i < 3 * 64 * 64; ++i) {
    dataset.labels.push_back(static_cast<std::uint8_t>(i % 64 < 20));
  }
  return dataset;
}

class StageRunner : public testing::Test {
 protected:
  StageRunner() {
    fs::create_directories(folder_ / "objects");
    digest_ = datasets::write_dataset(folder_ / "toy.h5", toy_dataset());
  }
  ~StageRunner() override { fs::remove_all(folder_); }
  StageRunner(const StageRunner&) = delete;
  StageRunner& operator=(const StageRunner&) = delete;
  StageRunner(StageRunner&&) = delete;
  StageRunner& operator=(StageRunner&&) = delete;

  wire::Assign assign(const std::string& kind, const std::string& config) {
    wire::Assign result;
    result.stage = std::string(64, 'c');
    result.fence = 4;
    result.kind = kind;
    result.config = boost::json::parse("{" + config + "}").as_object();
    result.options["checkpoint_every"] = 1;
    result.dataset_path = (folder_ / "toy.h5").string();
    result.dataset_digest = digest_;
    return result;
  }

  StageEnd run(const wire::Assign& what, const StageHooks& hooks = {}) {
    // Of its own, so that every run reads the file.
    SliceCache data(torch::kCPU, {.device = 0, .host = std::size_t{1} << 30U});
    const Nvml nvml;
    return run_stage(what, {.workspace = folder_,
                            .device = torch::kCPU,
                            .collective = *collective_,
                            .data = data,
                            .nvml = nvml,
                            .hooks = hooks});
  }

  /// The failure's "code: message".
  std::string failure_of(const wire::Assign& what, const StageHooks& hooks = {}) {
    const auto end = run(what, hooks);
    const auto* failure = std::get_if<wire::Failure>(&end.report);
    if (failure == nullptr) return "no failure";
    EXPECT_EQ(failure->fence, what.fence);
    return failure->code + ": " + failure->message;
  }

  std::string trained_weights() {
    const auto end = run(assign("pretrain", std::string(kNetwork) + "," + kTrain));
    const auto& body = std::get<wire::Result>(end.report).body;
    return std::string(body.at("artifacts").at("weights").at("sha256").as_string());
  }

  fs::path folder_ = fs::temp_directory_path() / ("reprise-stage-" + std::to_string(getpid()));
  std::string digest_;
  std::unique_ptr<Collective> collective_ = make_collective(test_mpi(), torch::kCPU);
};

TEST_F(StageRunner, TrainingLeavesWeightsUnderTheirDigestAndACheckpointUntilItIsForgotten) {
  const auto end = run(assign("pretrain", std::string(kNetwork) + "," + kTrain));
  const auto& result = std::get<wire::Result>(end.report);
  EXPECT_EQ(result.fence, 4);
  const auto digest =
      std::string(result.body.at("artifacts").at("weights").at("sha256").as_string());
  const auto path = object_path(folder_, digest);
  EXPECT_EQ(sha256_file(path), digest);
  EXPECT_FALSE(models::read_safetensors(path).tensors.empty());
  EXPECT_EQ(result.body.at("curve").as_array().back().at(0), 2);
  const auto checkpoints = folder_ / "checkpoints" / result.stage;
  EXPECT_FALSE(fs::is_empty(checkpoints));
  forget_checkpoints(folder_, result.stage);
  EXPECT_TRUE(!fs::exists(checkpoints) || fs::is_empty(checkpoints));
}

TEST_F(StageRunner, EvaluationGivesARowForEveryTestSlice) {
  auto what = assign("evaluate", std::string("\"method\":\"network\",") + kNetwork);
  what.inputs["network"] = trained_weights();
  const auto end = run(what);
  const auto& rows = std::get<wire::Result>(end.report).body.at("rows");
  EXPECT_EQ(rows.at("subjects"), boost::json::parse(R"(["b"])"));
  EXPECT_EQ(rows.at("values").at("PSNR").as_array().size(), 1);
  EXPECT_GT(rows.at("values").at("PSNR").at(0).as_double(), 0);
}

TEST_F(StageRunner, BratsModalitiesAreMeasuredByName) {
  auto what = assign("evaluate", R"("method":"bicubic","scale":4,"noise":0,"seed":1)");
  what.dataset_path = (folder_ / "four.h5").string();
  what.dataset_digest = datasets::write_dataset(folder_ / "four.h5", toy_dataset(4));
  const auto end = run(what);
  const auto& result = std::get<wire::Result>(end.report).body;
  const auto& values = result.at("rows").at("values").as_object();
  for (const std::string metric : {"PSNR", "SSIM"}) {
    double sum = 0;
    for (const char* modality : {"-T1Gd", "-T1", "-T2", "-FLAIR"}) {
      ASSERT_TRUE(values.contains(metric + modality)) << metric << modality;
      sum += values.at(metric + modality).at(0).as_double();
    }
    if (metric == "PSNR") continue;  // No mean of the modalities' values.
    EXPECT_NEAR(values.at("SSIM").at(0).as_double(), sum / 4, 1e-9);
  }
  EXPECT_FALSE(values.contains("FID"));
  EXPECT_NE(std::string(result.at("notes").at("FID").as_string()).find("[weights] inception"),
            std::string::npos);
}

TEST_F(StageRunner, APassedOverCheckpointStandsInTheResult) {
  const std::string three =
      std::string(kTrain).replace(std::string(kTrain).find("\"steps\":2"), 9, "\"steps\":3");
  const auto what = assign("pretrain", std::string(kNetwork) + "," + three);
  StageHooks hooks;
  int asked = 0;
  hooks.stop_requested = [&] { return ++asked == 2; };
  EXPECT_EQ(failure_of(what, hooks), "unavailable: handed back at step 2");
  const auto newest = folder_ / "checkpoints" / what.stage / "step-00000002.safetensors";
  std::string bytes = read_file(newest);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file_atomically(newest, bytes);
  const auto end = run(what);
  const auto& origin = std::get<wire::Result>(end.report).body.at("provenance").as_object();
  EXPECT_EQ(origin.at("resumed_from"), 1);
  const std::string warning(origin.at("warnings").at(0).as_string());
  EXPECT_NE(warning.find("step-00000002.safetensors: bytes do not match"), std::string::npos);
}

TEST_F(StageRunner, DivergenceFailsTheAttemptAndNamesTheSlices) {
  const std::string wild = std::string(kTrain).replace(
      std::string(kTrain).find("\"learning_rate\":1e-3"), 20, "\"learning_rate\":1e30");
  const std::string failure = failure_of(assign("pretrain", std::string(kNetwork) + "," + wild));
  // The first step's weights are beyond all bounds; the second step's loss tells.
  EXPECT_NE(failure.find("is NaN or infinite at step 1 (batch: a slice "), std::string::npos)
      << failure;
}

TEST_F(StageRunner, TheTruthHasNoPsnr) {
  const auto end = run(assign("evaluate", R"("method":"hr","scale":4,"noise":0,"seed":1)"));
  const auto& rows = std::get<wire::Result>(end.report).body.at("rows");
  EXPECT_TRUE(rows.at("values").at("PSNR").at(0).is_null());
}

TEST_F(StageRunner, AStopHandsTheStageBackAndTheNextAttemptGoesOnThere) {
  const auto what = assign("pretrain", std::string(kNetwork) + "," + kTrain);
  StageHooks hooks;
  hooks.stop_requested = [] { return true; };
  EXPECT_EQ(failure_of(what, hooks), "unavailable: handed back at step 1");
  const auto end = run(what);
  EXPECT_EQ(std::get<wire::Result>(end.report).body.at("provenance").at("resumed_from"), 1);
}

TEST_F(StageRunner, RefusesWhatDoesNotFit) {
  const std::string pretrain = std::string(kNetwork) + "," + kTrain;
  auto changed = assign("pretrain", pretrain);
  changed.dataset_digest = std::string(64, '0');
  EXPECT_NE(failure_of(changed).find("the data set was changed"), std::string::npos);

  auto missing = assign("pretrain", pretrain);
  missing.dataset_path = "/no/such.h5";
  EXPECT_NE(failure_of(missing).find("/no/such.h5"), std::string::npos);

  EXPECT_NE(failure_of(assign("finetune", pretrain)).find("\"network\" are missing"),
            std::string::npos);
  EXPECT_NE(failure_of(assign("dance", pretrain)).find("\"dance\""), std::string::npos);
  EXPECT_NE(failure_of(assign("pretrain", kNetwork)).find("\"train\" is missing"),
            std::string::npos);
  EXPECT_NE(
      failure_of(assign("evaluate", R"("method":"magic","scale":4,"seed":1)")).find("\"magic\""),
      std::string::npos);
}

TEST_F(StageRunner, RefusesWeightsWhoseBytesChanged) {
  auto what = assign("evaluate", std::string("\"method\":\"network\",") + kNetwork);
  const std::string digest = trained_weights();
  what.inputs["network"] = digest;
  std::string bytes = read_file(object_path(folder_, digest));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file_atomically(object_path(folder_, digest), bytes);
  EXPECT_NE(failure_of(what).find("bytes do not match the name"), std::string::npos);
}

TEST_F(StageRunner, ObjectPathsTakeDigestsOnly) {
  EXPECT_THROW(object_path(folder_, "../../etc/passwd"), Error);
  EXPECT_THROW(object_path(folder_, std::string(64, 'G')), Error);
}

}  // namespace
}  // namespace reprise::worker
