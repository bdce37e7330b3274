#include "worker/evaluate.h"

#include <chrono>
#include <cstring>
#include <limits>
#include <string_view>

#include "sweep/error.h"
#include "worker/metrics.h"
#include "worker/resample.h"
#include "worker/sampling.h"

namespace reprise::worker {
namespace {

std::vector<std::string> metric_names(const EvaluateTask& task) {
  std::vector<std::string> names{"PSNR", "SSIM"};
  if (!task.segment) return names;
  names.emplace_back("Dice-T");
  for (const auto& label : task.label_names) names.push_back("Dice-" + label);
  return names;
}

torch::Tensor low_resolution(const EvaluateTask& task, const torch::Tensor& hr, int64_t slice) {
  auto lr = degrade(hr, task.scale);
  if (task.noise > 0) {
    auto noise = pick_noise(task.seed, 0, slice, lr.numel());
    lr.add_(torch::from_blob(noise.data(), lr.sizes()), task.noise);
  }
  return lr;
}

/// Label map [H,W]: edges are replicated up to multiples of 32, which the U-Net needs, and cut off
/// again.
torch::Tensor label_map(const EvaluateTask& task, const torch::Tensor& image) {
  constexpr int64_t kMultiple = 32;
  const int64_t rows = image.size(2);
  const int64_t columns = image.size(3);
  const int64_t below = (kMultiple - rows % kMultiple) % kMultiple;
  const int64_t right = (kMultiple - columns % kMultiple) % kMultiple;
  const auto padded =
      below + right == 0 ? image : torch::replication_pad2d(image, {0, right, 0, below});
  const auto logits = task.segment(padded).narrow(2, 0, rows).narrow(3, 0, columns);
  return logits.argmax(1).squeeze(0).cpu();
}

/// One value a metric of one slice.
std::vector<double> measure(const EvaluateTask& task, int64_t slice) {
  const auto hr = task.slices.images.narrow(0, slice, 1);
  torch::Tensor image = hr.to(task.device);
  std::vector<double> values(2, std::numeric_limits<double>::quiet_NaN());
  if (task.method) {
    image = task.method(low_resolution(task, hr, slice).to(task.device));
    values[0] = psnr(image[0], hr[0], task.scale);
    values[1] = ssim(image[0], hr[0], task.scale);
  }
  if (task.segment) {
    const auto classes = static_cast<int64_t>(task.label_names.size()) + 1;
    const auto result = dice(label_map(task, image), task.slices.labels[slice], classes);
    values.push_back(result.total);
    values.insert(values.end(), result.per_class.begin(), result.per_class.end());
  }
  return values;
}

}  // namespace

EvaluateOutcome evaluate(const EvaluateTask& task, Collective& collective,
                         const StageHooks& hooks) {
  const torch::InferenceMode inference;
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const bool is_root = collective.rank() == 0;
  const int64_t count = task.slices.images.size(0);
  const auto names = metric_names(task);
  EvaluateOutcome outcome;
  std::vector<double> mine;
  // Slice i belongs to rank i mod size; all ranks go through the same number of rounds.
  for (int64_t first = 0; first < count; first += collective.size()) {
    const bool wants_stop = is_root && hooks.stop_requested();
    if (collective.broadcast_text(wants_stop ? "stop" : "", 0) == "stop") {
      outcome.seconds = seconds();
      return outcome;
    }
    const int64_t slice = first + collective.rank();
    if (slice < count) {
      const auto values = measure(task, slice);
      mine.insert(mine.end(), values.begin(), values.end());
    }
    if (is_root) {
      const int64_t done = std::min<int64_t>(count, first + collective.size());
      hooks.progress({.done = done,
                      .end = count,
                      .loss = 0,
                      .steps_per_second = static_cast<double>(done) / seconds()});
    }
  }
  // As bytes, so that not a bit changes on the way.
  const auto parts = collective.gather_text(
      {reinterpret_cast<const char*>(mine.data()), mine.size() * sizeof(double)});
  outcome.finished = true;
  outcome.seconds = seconds();
  if (!is_root) return outcome;
  for (std::size_t metric = 0; metric < names.size(); ++metric) {
    std::vector<double> column(count);
    for (int64_t slice = 0; slice < count; ++slice) {
      const auto row = static_cast<std::size_t>(slice / collective.size());
      std::memcpy(
          &column[slice],
          parts[slice % collective.size()].data() + (row * names.size() + metric) * sizeof(double),
          sizeof(double));
    }
    outcome.values.emplace_back(names[metric], std::move(column));
  }
  return outcome;
}

}  // namespace reprise::worker
