#include "worker/residency.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include "datasets_h5/dataset_file.h"
#include "sweep/error.h"
#include "tests/support/read_split.h"
#include "tests/worker/mpi_main.h"
#include "tests/worker/toy_dataset.h"
#include "worker/batches.h"
#include "worker/gang_error.h"
#include "worker/hold_out.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

constexpr DataLimits kPlenty{.device = 0, .host = std::size_t{1} << 30U};
/// Two slices of the toy data set: what a stream may keep.
constexpr DataLimits kLittle{.device = 0, .host = 2 * (kToyChannels * 4 + 1) * kToySide * kToySide};

class Residency : public testing::Test {
 protected:
  Residency() {
    fs::create_directories(folder_);
    digest_ = datasets::write_dataset(folder_ / "toy.h5", toy_dataset());
  }
  ~Residency() override { fs::remove_all(folder_); }
  Residency(const Residency&) = delete;
  Residency& operator=(const Residency&) = delete;
  Residency(Residency&&) = delete;
  Residency& operator=(Residency&&) = delete;

  const ResidentSplit& load(SliceCache& cache, const std::string& split = "train") {
    return cache.load(folder_ / "toy.h5", digest_, split, true, *collective_);
  }

  fs::path folder_ = fs::temp_directory_path() / ("reprise-residency-" + std::to_string(getpid()));
  std::string digest_;
  std::unique_ptr<Collective> collective_ = make_collective(test_mpi(), torch::kCPU);
};

TEST_F(Residency, BatchesAreEqualWhereverTheSlicesAre) {
  SliceCache plenty(torch::kCPU, kPlenty);
  SliceCache little(torch::kCPU, kLittle);
  const ResidentSplit& in_memory = load(plenty);
  const ResidentSplit& in_file = load(little);
  EXPECT_EQ(in_memory.where, "memory");
  EXPECT_EQ(in_file.where, "file");
  EXPECT_EQ(in_memory.tensors.name(3), in_file.tensors.name(3));
  const auto expected = datasets::testing::read_split(folder_ / "toy.h5", "train");
  EXPECT_EQ(in_memory.tensors.count(), expected.count);
  for (const bool turned : {false, true}) {
    const BatchRecipe recipe{.batch = 6,
                             .parts = 2,
                             .hr_patch = 16,
                             .scale = 4,
                             .noise = 0.05,
                             .seed = 3,
                             .flips = turned,
                             .rotations = turned};
    const BatchMaker memory(in_memory.tensors, recipe, 0, 1, torch::kCPU);
    const BatchMaker file(in_file.tensors, recipe, 0, 1, torch::kCPU);
    // In order, again, and out of order: what was cut ahead must not be taken for another part.
    for (const auto& [step, part] :
         std::vector<std::pair<int, int>>{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {1, 0}, {7, 1}, {0, 0}}) {
      const Batch a = memory.make(step, part);
      const Batch b = file.make(step, part);
      EXPECT_TRUE(torch::equal(a.hr, b.hr)) << step << " " << part;
      EXPECT_TRUE(torch::equal(a.lr, b.lr)) << step << " " << part;
      EXPECT_TRUE(torch::equal(a.labels, b.labels)) << step << " " << part;
    }
  }
}

TEST_F(Residency, APartThatIsVisitedAgainIsNotCutAgain) {
  SliceCache little(torch::kCPU, kLittle);
  const SliceTensors slices = load(little).tensors;
  const BatchRecipe recipe{.batch = 6, .parts = 2, .hr_patch = 16, .scale = 4, .seed = 3};
  // As a critic and its network go through the parts of a step.
  std::int64_t after_critic = 0;
  {
    const BatchMaker maker(slices, recipe, 0, 1, torch::kCPU);
    for (const std::int64_t step : {0, 1}) {
      const Batch critics[] = {maker.make(step, 0), maker.make(step, 1)};
      for (const std::int64_t part : {0, 1}) {
        EXPECT_TRUE(torch::equal(maker.make(step, part).hr, critics[part].hr));
      }
    }
  }  // What is cut ahead has ended.
  after_critic = slices.stream->reads();
  SliceCache other(torch::kCPU, kLittle);
  const SliceTensors once = load(other).tensors;
  {
    const BatchMaker maker(once, recipe, 0, 1, torch::kCPU);
    for (const std::int64_t step : {0, 1}) {
      for (const std::int64_t part : {0, 1}) (void)maker.make(step, part);
    }
  }
  EXPECT_EQ(after_critic, once.stream->reads());
}

TEST_F(Residency, AStreamReadsASliceOnceWhileItKeepsIt) {
  SliceCache little(torch::kCPU, kLittle);
  const auto& stream = load(little).tensors.stream;
  ASSERT_TRUE(stream);
  const auto first = stream->slice(0);
  (void)stream->slice(1);
  (void)stream->slice(0);
  EXPECT_EQ(stream->reads(), 2);
  (void)stream->slice(2);  // In the place of 1, which was not used for longest.
  (void)stream->slice(0);
  EXPECT_EQ(stream->reads(), 3);
  (void)stream->slice(1);
  EXPECT_EQ(stream->reads(), 4);
  EXPECT_EQ(first->image, stream->slice(0)->image);
}

TEST_F(Residency, TheGpusWayToCutGivesTheSamePatches) {
  SliceCache plenty(torch::kCPU, kPlenty);
  const SliceTensors slices = load(plenty).tensors;
  std::vector<Placement> places;
  for (std::int64_t turn = 0; turn < 8; ++turn) {
    places.push_back(
        {.stored = turn % slices.count(), .top = turn, .left = 9 - turn, .turn = turn});
  }
  const Batch host = cut_on_host(slices, places, 20);
  const Batch device = cut_on_device(slices, places, 20);
  EXPECT_TRUE(torch::equal(host.hr, device.hr));
  EXPECT_TRUE(torch::equal(host.labels, device.labels));
  const auto plain = cut_on_host(slices, {{.stored = 5, .top = 5, .left = 4}}, 20);
  EXPECT_TRUE(torch::equal(host.hr[5], plain.hr[0].flip(1).transpose(1, 2)));
}

TEST_F(Residency, SplitsStayUntilAnotherNeedsTheirPlace) {
  SliceCache plenty(torch::kCPU, kPlenty);
  const auto* before = load(plenty).tensors.images.data_ptr();
  (void)load(plenty, "test");
  EXPECT_EQ(load(plenty).tensors.images.data_ptr(), before);

  const std::size_t slice = kLittle.host / 2;
  SliceCache one(torch::kCPU, {.device = 0, .host = kToyTrain * slice});  // Not both splits.
  EXPECT_EQ(load(one).where, "memory");
  EXPECT_EQ(load(one, "test").where, "memory");
  EXPECT_EQ(load(one).where, "memory");
}

TEST_F(Residency, HeldOutSubjectsAreNotTrainedOn) {
  for (const auto& limits : {kPlenty, kLittle}) {
    SliceCache cache(torch::kCPU, limits);
    const ResidentSplit& split = load(cache);
    const auto parts = hold_out(split.tensors, split.frame.subject, 1, 4);
    EXPECT_EQ(parts.training.count() + parts.held_out.count(), kToyTrain);
    const std::string who = parts.held_out.name(0).substr(0, 1);
    for (std::int64_t at = 0; at < parts.training.count(); ++at) {
      EXPECT_NE(parts.training.name(at).substr(0, 1), who);
    }
    for (std::int64_t at = 0; at < parts.held_out.count(); ++at) {
      EXPECT_EQ(parts.held_out.name(at).substr(0, 1), who);
      EXPECT_TRUE(torch::equal(parts.held_out.image(at),
                               split.tensors.stored_image(parts.held_out.stored(at))));
    }
    EXPECT_THROW(hold_out(split.tensors, split.frame.subject, 2, 4), Error);
  }
}

TEST_F(Residency, RefusesAnotherDigestAndADamagedSlice) {
  SliceCache cache(torch::kCPU, kPlenty);
  EXPECT_THROW(cache.load(folder_ / "toy.h5", std::string(64, '0'), "train", true, *collective_),
               GangError);
  EXPECT_EQ(load(cache).where, "memory");  // The failure leaves nothing behind.

  damage(folder_ / "toy.h5");
  for (const auto& limits : {kPlenty, kLittle}) {
    SliceCache fresh(torch::kCPU, limits);
    try {
      const auto& stream = load(fresh).tensors.stream;
      ASSERT_TRUE(stream);
      for (std::int64_t slice = 0; slice < kToyTrain; ++slice) (void)stream->slice(slice);
      FAIL() << "damage was not found";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Corrupt) << error.what();
      EXPECT_NE(std::string(error.what()).find("toy.h5"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace reprise::worker
