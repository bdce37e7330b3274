#include "worker/batches.h"

#include <algorithm>
#include <string>

#include "sweep/error.h"
#include "worker/resample.h"
#include "worker/sampling.h"

namespace reprise::worker {

Share share_of(std::int64_t batch, int rank, int size) {
  const std::int64_t least = batch / size;
  const std::int64_t more = batch % size;
  const std::int64_t begin = rank * least + std::min<std::int64_t>(rank, more);
  return {.begin = begin, .end = begin + least + (rank < more ? 1 : 0)};
}

BatchMaker::BatchMaker(SliceTensors slices, const BatchRecipe& recipe, int rank, int size,
                       const torch::Device& device)
    : slices_(std::move(slices)),
      recipe_(recipe),
      share_(share_of(recipe.batch / recipe.parts, rank, size)),
      device_(device) {
  REPRISE_CHECK(recipe_.parts >= 1 && recipe_.batch % recipe_.parts == 0);
  if (recipe_.batch / recipe_.parts < size) {
    throw_invalid("train.batch " + std::to_string(recipe_.batch) + " in " +
                  std::to_string(recipe_.parts) + " parts (train.accumulate) is smaller than the " +
                  "gang of " + std::to_string(size) + " ranks");
  }
  const auto& images = slices_.images;
  if (images.size(0) == 0) throw_invalid("the data set has no training slices");
  if (images.size(2) < recipe_.hr_patch || images.size(3) < recipe_.hr_patch) {
    throw_invalid("slices of " + std::to_string(images.size(2)) + "x" +
                  std::to_string(images.size(3)) + " are smaller than the patch of " +
                  std::to_string(recipe_.hr_patch) + " pixels (train.patch)");
  }
  REPRISE_CHECK(recipe_.scale >= 1 && recipe_.hr_patch % recipe_.scale == 0);
  reduce_ = resample_matrix(recipe_.hr_patch / recipe_.scale, recipe_.hr_patch);
}

std::string BatchMaker::describe(std::int64_t step) const {
  constexpr std::size_t kShown = 8;
  const auto picked = pick_slices(recipe_.seed, step, recipe_.batch, slices_.images.size(0));
  std::string text;
  for (std::size_t at = 0; at < std::min(picked.size(), kShown); ++at) {
    const auto slice = static_cast<std::size_t>(picked[at]);
    text +=
        (text.empty() ? "" : ", ") +
        (slice < slices_.names.size() ? slices_.names[slice] : "slice " + std::to_string(slice));
  }
  if (picked.size() > kShown) {
    text += " and " + std::to_string(picked.size() - kShown) + " more";
  }
  return text;
}

Batch BatchMaker::make(std::int64_t step, std::int64_t part) const {
  const auto& [seed, patch] = std::pair(recipe_.seed, recipe_.hr_patch);
  const auto picked = pick_slices(seed, step, recipe_.batch, slices_.images.size(0));
  const int64_t channels = slices_.images.size(1);
  const int64_t count = share_.end - share_.begin;
  Batch batch;
  batch.step = step;
  batch.first = part * (recipe_.batch / recipe_.parts) + share_.begin;
  batch.hr = torch::empty({count, channels, patch, patch});
  batch.labels = torch::empty({count, patch, patch}, torch::kInt64);
  for (int64_t at = 0; at < count; ++at) {
    const int64_t index = batch.first + at;
    const auto [top, left] = pick_crop(seed, step, index, slices_.images.size(2) - patch,
                                       slices_.images.size(3) - patch);
    const auto image = slices_.images[picked[index]];
    const auto label = slices_.labels[picked[index]];
    batch.hr[at].copy_(image.narrow(1, top, patch).narrow(2, left, patch));
    batch.labels[at].copy_(label.narrow(0, top, patch).narrow(1, left, patch));
  }
  if (recipe_.scale > 1) {
    batch.lr = torch::matmul(reduce_, torch::matmul(batch.hr, reduce_.t()));
    const int64_t pixels = batch.lr.numel() / count;
    for (int64_t at = 0; at < count && recipe_.noise > 0; ++at) {
      auto noise = pick_noise(seed, step, batch.first + at, pixels);
      batch.lr[at].add_(torch::from_blob(noise.data(), batch.lr[at].sizes()), recipe_.noise);
    }
    batch.lr = batch.lr.to(device_);
  }
  batch.hr = batch.hr.to(device_);
  batch.labels = batch.labels.to(device_);
  return batch;
}

}  // namespace reprise::worker
