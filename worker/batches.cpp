#include "worker/batches.h"

#include <algorithm>
#include <chrono>
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

namespace {

/// The patch of a plane of `width` columns at `place`, turned. `out`: [patch, patch].
template <typename T>
void cut_plane(const T* plane, std::int64_t width, const Placement& place, std::int64_t patch,
               T* out) {
  const T* const from = plane + place.top * width + place.left;
  if (place.turn == 0) {
    for (std::int64_t i = 0; i < patch; ++i) std::copy_n(from + i * width, patch, out + i * patch);
    return;
  }
  for (std::int64_t i = 0; i < patch; ++i) {
    for (std::int64_t j = 0; j < patch; ++j) {
      const bool swapped = (place.turn & 4) != 0;
      const std::int64_t row = swapped ? j : i;
      const std::int64_t column = swapped ? i : j;
      out[i * patch + j] = from[((place.turn & 1) != 0 ? patch - 1 - row : row) * width +
                                ((place.turn & 2) != 0 ? patch - 1 - column : column)];
    }
  }
}

}  // namespace

// Plain loops: in a background thread LibTorch's operators would start a thread pool of their own.
Batch cut_on_host(const SliceTensors& slices, const std::vector<Placement>& placements,
                  std::int64_t patch) {
  const auto count = static_cast<std::int64_t>(placements.size());
  const std::int64_t channels = slices.channels();
  const std::int64_t height = slices.height();
  const std::int64_t width = slices.width();
  Batch batch;
  batch.hr = torch::empty({count, channels, patch, patch});
  batch.labels = torch::empty({count, patch, patch}, torch::kUInt8);
  auto* image = batch.hr.data_ptr<float>();
  auto* label = batch.labels.data_ptr<std::uint8_t>();
  for (const Placement& place : placements) {
    const auto whole = slices.stored_image(place.stored);
    const auto* plane = whole.const_data_ptr<float>();
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      cut_plane(plane, width, place, patch, image);
      plane += height * width;
      image += patch * patch;
    }
    const auto classes = slices.stored_label(place.stored);
    cut_plane(classes.const_data_ptr<std::uint8_t>(), width, place, patch, label);
    label += patch * patch;
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
  batch.labels = slices.labels.index({slice, rows, columns});
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
  if (!slices_.stream) {
    slices_.images = slices_.images.contiguous();
    slices_.labels = slices_.labels.contiguous();
  }
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
  if (kept_.step != step) {
    kept_.step = step;
    kept_.parts.assign(static_cast<std::size_t>(recipe_.parts), Batch{});
  }
  Batch& batch = kept_.parts.at(static_cast<std::size_t>(part));
  if (batch.hr.defined()) return batch;
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
  SliceTensors source = slices_;
  source.names.clear();
  ahead_.patches = std::async(
      std::launch::async,
      [source = std::move(source), patch = recipe_.hr_patch,
       next = place(ahead_.step, ahead_.part)] { return cut_on_host(source, next, patch); });
  return batch;
}

Batch BatchMaker::make(std::int64_t step, std::int64_t part) const {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const bool on_host = slices_.on_host();
  Batch batch =
      on_host ? cut_ahead(step, part) : cut_on_device(slices_, place(step, part), recipe_.hr_patch);
  if (on_host) batch.waited = std::chrono::duration<double>(Clock::now() - start).count();
  batch.step = step;
  batch.first = first_of(part);
  batch.hr = batch.hr.to(device_);
  batch.labels = batch.labels.to(device_).to(torch::kInt64);
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
