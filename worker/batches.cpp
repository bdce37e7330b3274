#include "worker/batches.h"

#include <algorithm>
#include <string>

#include "sweep/error.h"
#include "worker/noise.h"
#include "worker/resample.h"
#include "worker/sampling.h"

namespace reprise::worker {

Share share_of(std::int64_t batch, int rank, int size) {
  const std::int64_t least = batch / size;
  const std::int64_t more = batch % size;
  const std::int64_t begin = rank * least + std::min<std::int64_t>(rank, more);
  return {.begin = begin, .end = begin + least + (rank < more ? 1 : 0)};
}

Batch cut_on_host(const SliceTensors& slices, const std::vector<Placement>& placements,
                  std::int64_t patch) {
  const auto count = static_cast<std::int64_t>(placements.size());
  Batch batch;
  batch.hr = torch::empty({count, slices.channels(), patch, patch});
  batch.labels = torch::empty({count, patch, patch}, torch::kInt64);
  for (std::int64_t at = 0; at < count; ++at) {
    const Placement& place = placements[at];
    auto image = slices.stored_image(place.stored)[0].narrow(1, place.top, patch);
    image = image.narrow(2, place.left, patch);
    auto label = slices.stored_label(place.stored).narrow(0, place.top, patch);
    label = label.narrow(1, place.left, patch);
    for (const std::int64_t axis : {0, 1}) {
      if ((place.turn >> axis & 1) == 0) continue;
      image = image.flip(axis + 1);
      label = label.flip(axis);
    }
    if ((place.turn & 4) != 0) {
      image = image.transpose(1, 2);
      label = label.t();
    }
    batch.hr[at].copy_(image);
    batch.labels[at].copy_(label);
  }
  return batch;
}

Batch cut_on_device(const SliceTensors& slices, const std::vector<Placement>& placements,
                    std::int64_t patch) {
  const auto count = static_cast<std::int64_t>(placements.size());
  auto table = torch::empty({4, count}, torch::kInt64);
  auto cells = table.accessor<std::int64_t, 2>();
  bool any_turn = false;
  for (std::int64_t at = 0; at < count; ++at) {
    const Placement& place = placements[at];
    cells[0][at] = place.stored;
    cells[1][at] = place.top;
    cells[2][at] = place.left;
    cells[3][at] = place.turn;
    any_turn = any_turn || place.turn != 0;
  }
  table = table.to(slices.images.device(), /*non_blocking=*/true);
  const auto along = torch::arange(patch, table.options());
  // Source row and column of pixel (i, j): [n, p, 1] and [n, 1, p], or [n, p, p] with turns.
  auto rows = along.view({1, patch, 1});
  auto columns = along.view({1, 1, patch});
  if (any_turn) {
    const auto turn = table[3].view({count, 1, 1});
    const auto swapped = turn.bitwise_and(4).ne(0);
    const auto i = torch::where(swapped, columns, rows);
    const auto j = torch::where(swapped, rows, columns);
    rows = torch::where(turn.bitwise_and(1).ne(0), patch - 1 - i, i);
    columns = torch::where(turn.bitwise_and(2).ne(0), patch - 1 - j, j);
  }
  rows = rows + table[1].view({count, 1, 1});
  columns = columns + table[2].view({count, 1, 1});
  const auto slice = table[0].view({count, 1, 1});
  const auto channel = torch::arange(slices.channels(), table.options()).view({1, -1, 1, 1});
  Batch batch;
  batch.hr =
      slices.images.index({slice.unsqueeze(1), channel, rows.unsqueeze(1), columns.unsqueeze(1)});
  batch.labels = slices.labels.index({slice, rows, columns}).to(torch::kInt64);
  return batch;
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
  if (slices_.count() == 0) throw_invalid("the data set has no training slices");
  if (slices_.height() < recipe_.hr_patch || slices_.width() < recipe_.hr_patch) {
    throw_invalid("slices of " + std::to_string(slices_.height()) + "x" +
                  std::to_string(slices_.width()) + " are smaller than the patch of " +
                  std::to_string(recipe_.hr_patch) + " pixels (train.patch)");
  }
  REPRISE_CHECK(recipe_.scale >= 1 && recipe_.hr_patch % recipe_.scale == 0);
  reduce_ = resample_matrix(recipe_.hr_patch / recipe_.scale, recipe_.hr_patch).to(device_);
}

std::string BatchMaker::describe(std::int64_t step) const {
  constexpr std::size_t kShown = 8;
  const auto picked = pick_slices(recipe_.seed, step, recipe_.batch, slices_.count());
  std::string text;
  for (std::size_t at = 0; at < std::min(picked.size(), kShown); ++at) {
    text += (text.empty() ? "" : ", ") + slices_.name(picked[at]);
  }
  if (picked.size() > kShown) {
    text += " and " + std::to_string(picked.size() - kShown) + " more";
  }
  return text;
}

std::int64_t BatchMaker::first_of(std::int64_t part) const {
  return part * (recipe_.batch / recipe_.parts) + share_.begin;
}

std::vector<Placement> BatchMaker::place(std::int64_t step, std::int64_t part) const {
  const auto picked = pick_slices(recipe_.seed, step, recipe_.batch, slices_.count());
  std::vector<Placement> placements;
  for (std::int64_t at = 0; at < share_.end - share_.begin; ++at) {
    const std::int64_t index = first_of(part) + at;
    const auto [top, left] =
        pick_crop(recipe_.seed, step, index, slices_.height() - recipe_.hr_patch,
                  slices_.width() - recipe_.hr_patch);
    placements.push_back(
        {.stored = slices_.stored(picked[index]),
         .top = top,
         .left = left,
         .turn = pick_turn(recipe_.seed, step, index, recipe_.flips, recipe_.rotations)});
  }
  return placements;
}

Batch BatchMaker::cut_ahead(std::int64_t step, std::int64_t part) const {
  Batch batch;
  const bool is_ready = ahead_.patches.valid() && ahead_.step == step && ahead_.part == part;
  if (is_ready) {
    batch = ahead_.patches.get();
  } else {
    if (ahead_.patches.valid()) ahead_.patches.wait();
    batch = cut_on_host(slices_, place(step, part), recipe_.hr_patch);
  }
  ahead_.part = part + 1 < recipe_.parts ? part + 1 : 0;
  ahead_.step = ahead_.part == 0 ? step + 1 : step;
  // The task owns what it needs, so that a maker can be moved or end at any time.
  SliceTensors source{.images = {}, .labels = {}, .names = {}, .stream = slices_.stream};
  ahead_.patches = std::async(
      std::launch::async,
      [source = std::move(source), patch = recipe_.hr_patch,
       next = place(ahead_.step, ahead_.part)] { return cut_on_host(source, next, patch); });
  return batch;
}

Batch BatchMaker::make(std::int64_t step, std::int64_t part) const {
  Batch batch;
  if (slices_.stream) {
    batch = cut_ahead(step, part);
  } else if (slices_.images.is_cpu()) {
    batch = cut_on_host(slices_, place(step, part), recipe_.hr_patch);
  } else {
    batch = cut_on_device(slices_, place(step, part), recipe_.hr_patch);
  }
  batch.step = step;
  batch.first = first_of(part);
  batch.hr = batch.hr.to(device_);
  batch.labels = batch.labels.to(device_);
  if (recipe_.scale > 1) {
    // LR images are data: they are computed in full precision whatever the network's.
    const at::NoTF32Guard full_precision;
    batch.lr = torch::matmul(reduce_, torch::matmul(batch.hr, reduce_.t()));
    if (recipe_.noise > 0) {
      batch.lr.add_(noise_on_device(recipe_.seed, step, batch.first, batch.lr.sizes(), device_),
                    recipe_.noise);
    }
  }
  return batch;
}

}  // namespace reprise::worker
