#include "worker/batches.h"

#include <gtest/gtest.h>

#include "sweep/error.h"
#include "worker/resample.h"

namespace reprise::worker {
namespace {

SliceTensors slices(int64_t count = 9, int64_t side = 40) {
  torch::manual_seed(1);
  return {.images = torch::rand({count, 1, side, side}),
          .labels = torch::randint(4, {count, side, side}, torch::kUInt8)};
}

constexpr BatchRecipe kRecipe{.batch = 5, .hr_patch = 16, .scale = 4, .noise = 0.01, .seed = 3};

TEST(Resample, RowsAreTheWeightsOfTheFormula) {
  const auto matrix = resample_matrix(4, 16);
  const auto row = torch::tensor({-3.0F, 19.0F, 19.0F, -3.0F}) / 32;
  EXPECT_TRUE(torch::equal(matrix[2].narrow(0, 8, 4), row));
  EXPECT_EQ(matrix.abs().gt(0).sum().item<int64_t>(), 16);
  EXPECT_TRUE(torch::allclose(resample_matrix(12, 5).sum(1), torch::ones({12})));
}

TEST(Batches, SharesCoverTheBatchInOrder) {
  std::int64_t at = 0;
  for (int rank = 0; rank < 3; ++rank) {
    const auto share = share_of(8, rank, 3);
    EXPECT_EQ(share.begin, at);
    at = share.end;
  }
  EXPECT_EQ(at, 8);
}

TEST(Batches, AGangCutsTheSameGlobalBatch) {
  const auto whole = BatchMaker(slices(), kRecipe, 0, 1, torch::kCPU).make(6);
  const auto first = BatchMaker(slices(), kRecipe, 0, 2, torch::kCPU).make(6);
  const auto second = BatchMaker(slices(), kRecipe, 1, 2, torch::kCPU).make(6);
  EXPECT_EQ(first.hr.size(0), 3);
  EXPECT_TRUE(torch::equal(whole.hr, torch::cat({first.hr, second.hr})));
  EXPECT_TRUE(torch::equal(whole.labels, torch::cat({first.labels, second.labels})));
  EXPECT_TRUE(torch::allclose(whole.lr, torch::cat({first.lr, second.lr}), 0, 1e-6));
}

TEST(Batches, PartsMakeUpTheSameGlobalBatchForEveryGang) {
  auto recipe = kRecipe;
  recipe.batch = 6;
  const auto whole = BatchMaker(slices(), recipe, 0, 1, torch::kCPU).make(2);
  recipe.parts = 2;
  for (const int size : {1, 3}) {
    std::vector<torch::Tensor> images;
    std::int64_t next = 0;
    for (std::int64_t part = 0; part < 2; ++part) {
      for (int rank = 0; rank < size; ++rank) {
        const auto batch = BatchMaker(slices(), recipe, rank, size, torch::kCPU).make(2, part);
        EXPECT_EQ(batch.first, next);
        next += batch.hr.size(0);
        images.push_back(batch.hr);
      }
    }
    EXPECT_TRUE(torch::equal(whole.hr, torch::cat(images))) << size;
  }
}

TEST(Batches, ABatchCanBeDescribed) {
  auto named = slices(3);
  named.names = {"a slice 0", "a slice 1", "b slice 0"};
  auto recipe = kRecipe;
  recipe.batch = 3;
  const std::string text = BatchMaker(named, recipe, 0, 1, torch::kCPU).describe(4);
  for (const auto& name : named.names) EXPECT_NE(text.find(name), std::string::npos) << text;
  recipe.batch = 11;
  EXPECT_NE(BatchMaker(named, recipe, 0, 1, torch::kCPU).describe(4).find("and 3 more"),
            std::string::npos);
}

TEST(Batches, PatchBordersReplicate) {
  auto recipe = kRecipe;
  recipe.noise = 0;
  const auto batch = BatchMaker(slices(), recipe, 0, 1, torch::kCPU).make(0);
  EXPECT_TRUE(torch::allclose(batch.lr, degrade(batch.hr, 4)));
  EXPECT_EQ(batch.lr.size(2), 4);
}

TEST(Batches, RefusesABatchSmallerThanTheGangAndSmallSlices) {
  EXPECT_THROW(BatchMaker(slices(), kRecipe, 0, 6, torch::kCPU), Error);
  EXPECT_THROW(BatchMaker(slices(9, 15), kRecipe, 0, 1, torch::kCPU), Error);
}

}  // namespace
}  // namespace reprise::worker
