#include "worker/evaluate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <string_view>

#include "sweep/error.h"
#include "worker/frechet.h"
#include "worker/resample.h"
#include "worker/sampling.h"

namespace reprise::worker {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

bool has_channels(const EvaluateTask& task) { return task.channels.size() > 1; }

/// The distance of the truth to itself says nothing.
bool has_frechet(const EvaluateTask& task) { return task.features && task.method; }

std::vector<std::string> metric_names(const EvaluateTask& task) {
  std::vector<std::string> names{"PSNR", "SSIM"};
  if (has_channels(task)) {
    for (const auto& channel : task.channels) {
      names.push_back("PSNR-" + channel);
      names.push_back("SSIM-" + channel);
    }
  }
  if (task.segment) {
    for (const auto& region : task.regions) names.push_back("Dice-" + region.name);
  }
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

/// Everything that is looked at of one slice.
struct Look {
  torch::Tensor hr, lr, sr;  ///< [1,C,H,W]; sr is the HR slice where there is no method.
  torch::Tensor labels;      ///< Predicted, [H,W]; undefined without a segmenter.
};

Look look_at(const EvaluateTask& task, int64_t slice) {
  Look look;
  look.hr = task.slices.image(slice).cpu();
  look.lr = low_resolution(task, look.hr, slice);
  look.sr = task.method ? task.method(look.lr.to(task.device)) : look.hr.to(task.device);
  if (task.segment) look.labels = label_map(task, look.sr);
  return look;
}

/// One value a metric of one slice.
std::vector<double> measure(const EvaluateTask& task, int64_t slice, const Look& look) {
  std::vector<double> values;
  const auto compare = [&](const torch::Tensor& image, const torch::Tensor& truth) {
    values.push_back(task.method ? psnr(image, truth, task.scale) : kUndefined);
    values.push_back(task.method ? ssim(image, truth, task.scale) : kUndefined);
  };
  compare(look.sr[0], look.hr[0]);
  for (int64_t at = 0; has_channels(task) && at < look.hr.size(1); ++at) {
    compare(look.sr[0].narrow(0, at, 1), look.hr[0].narrow(0, at, 1));
  }
  if (task.segment) {
    for (const auto& region : task.regions) {
      values.push_back(dice(look.labels, task.slices.label(slice).cpu(), region));
    }
  }
  return values;
}

/// Features [F] float32 of an image without its border, a channel at a time averaged.
torch::Tensor features_of(const EvaluateTask& task, const torch::Tensor& image) {
  const int64_t border = task.scale;
  auto inner = image.narrow(2, border, image.size(2) - 2 * border)
                   .narrow(3, border, image.size(3) - 2 * border);
  // Each channel is an image of its own for a network of photographs.
  inner = inner.reshape({inner.size(1), 1, inner.size(2), inner.size(3)});
  return task.features(inner.to(task.device)).cpu().contiguous();
}

/// Tensors of many slices as one text and back: same shapes and types for every slice.
class Parcel {
 public:
  void add(const torch::Tensor& tensor) {
    const auto whole = tensor.cpu().contiguous();
    bytes_.append(static_cast<const char*>(whole.data_ptr()), whole.nbytes());
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads what a rank's Parcel holds, in order.
class Opened {
 public:
  explicit Opened(std::string bytes) : bytes_(std::move(bytes)) {}
  void take(torch::Tensor target) {  // NOLINT: a tensor is a handle
    REPRISE_CHECK(target.is_contiguous() && at_ + target.nbytes() <= bytes_.size());
    std::memcpy(target.data_ptr(), bytes_.data() + at_, target.nbytes());
    at_ += target.nbytes();
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

/// What one rank has found of its slices.
struct Findings {
  Parcel values, samples, features;
};

void keep_sample(const EvaluateTask& task, const Look& look, Parcel& parcel) {
  parcel.add(look.sr);
  parcel.add(look.lr);
  if (!task.segment) return;
  parcel.add(look.labels.to(torch::kUInt8));
  parcel.add(label_map(task, look.hr.to(task.device)).to(torch::kUInt8));
}

/// Every rank's parcel, at rank 0.
std::vector<Opened> gather(const Parcel& mine, const Collective& collective) {
  std::vector<Opened> parts;
  for (auto& text : collective.gather_text(mine.bytes())) parts.emplace_back(std::move(text));
  return parts;
}

void unpack_values(const EvaluateTask& task, std::vector<Opened> parts, EvaluateOutcome& outcome) {
  const auto names = metric_names(task);
  const int64_t count = task.slices.count();
  const auto all = torch::empty({count, static_cast<int64_t>(names.size())}, torch::kFloat64);
  for (int64_t slice = 0; slice < count; ++slice) parts[slice % parts.size()].take(all[slice]);
  for (std::size_t metric = 0; metric < names.size(); ++metric) {
    const auto column = all.select(1, static_cast<int64_t>(metric)).contiguous();
    const auto* first = column.data_ptr<double>();
    outcome.values.emplace_back(names[metric], std::vector<double>(first, first + count));
  }
}

void unpack_samples(const EvaluateTask& task, std::vector<Opened> parts, EvaluateOutcome& outcome) {
  const auto& slices = task.slices;
  const auto kept = sampled_slices(slices.count(), task.samples);
  const auto count = static_cast<int64_t>(kept.size());
  if (count == 0) return;
  std::vector<torch::Tensor> images;
  std::vector<torch::Tensor> labels;
  for (const auto slice : kept) {
    images.push_back(slices.image(slice).cpu());
    labels.push_back(slices.label(slice).cpu());
  }
  auto& samples = outcome.samples;
  samples["slice"] = torch::tensor(kept);
  samples["hr"] = torch::cat(images);
  samples["label"] = torch::stack(labels);
  samples["sr"] = torch::empty_like(samples["hr"]);
  samples["lr"] = torch::empty(
      {count, slices.channels(), slices.height() / task.scale, slices.width() / task.scale});
  std::vector<std::string> names{"sr", "lr"};
  if (task.segment) {
    for (const char* name : {"prediction", "prediction_hr"}) {
      samples[name] = torch::empty_like(samples["label"]);
      names.emplace_back(name);
    }
  }
  for (int64_t at = 0; at < count; ++at) {
    for (const auto& name : names) parts[kept[at] % parts.size()].take(samples[name][at]);
  }
}

/// FID of every subject, at its first slice.
void unpack_features(const EvaluateTask& task, std::vector<Opened> parts,
                     std::int64_t feature_count, EvaluateOutcome& outcome) {
  const int64_t count = task.slices.count();
  const int64_t channels = task.slices.channels();
  const auto of_sr = torch::empty({count, channels, feature_count});
  const auto of_hr = torch::empty({count, channels, feature_count});
  for (int64_t slice = 0; slice < count; ++slice) {
    parts[slice % parts.size()].take(of_sr[slice]);
    parts[slice % parts.size()].take(of_hr[slice]);
  }
  std::vector<double> column(count, kUndefined);
  for (int64_t first = 0; first < count; ++first) {
    if (std::find(task.subject.begin(), task.subject.begin() + first, task.subject[first]) !=
        task.subject.begin() + first) {
      continue;
    }
    std::vector<int64_t> own;
    for (int64_t slice = first; slice < count; ++slice) {
      if (task.subject[slice] == task.subject[first]) own.push_back(slice);
    }
    if (own.size() < 2) continue;  // One slice has no covariance.
    const auto picked = torch::tensor(own);
    double sum = 0;
    for (int64_t at = 0; at < channels; ++at) {
      sum += frechet_distance(of_sr.index_select(0, picked).select(1, at),
                              of_hr.index_select(0, picked).select(1, at));
    }
    column[first] = sum / static_cast<double>(channels);
  }
  outcome.values.emplace_back("FID", std::move(column));
}

}  // namespace

std::vector<std::int64_t> sampled_slices(std::int64_t count, std::int64_t samples) {
  const std::int64_t kept = std::min(count, samples);
  std::vector<std::int64_t> slices;
  for (std::int64_t at = 0; at < kept; ++at) slices.push_back((2 * at + 1) * count / (2 * kept));
  return slices;
}

EvaluateOutcome evaluate(const EvaluateTask& task, Collective& collective,
                         const StageHooks& hooks) {
  const torch::NoGradGuard
      no_grad;  // Not inference mode: what networks cache must serve training too.
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const bool is_root = collective.rank() == 0;
  const int64_t count = task.slices.count();
  const auto kept = sampled_slices(count, task.samples);
  EvaluateOutcome outcome;
  Findings mine;
  std::int64_t feature_count = 0;
  // Slice i belongs to rank i mod size; all ranks go through the same number of rounds.
  for (int64_t first = 0; first < count; first += collective.size()) {
    const bool wants_stop = is_root && hooks.stop_requested();
    if (collective.broadcast_text(wants_stop ? "stop" : "", 0) == "stop") {
      outcome.seconds = seconds();
      return outcome;
    }
    const int64_t slice = first + collective.rank();
    if (slice < count) {
      const Look look = look_at(task, slice);
      mine.values.add(torch::tensor(measure(task, slice, look), torch::kFloat64));
      if (std::binary_search(kept.begin(), kept.end(), slice)) {
        keep_sample(task, look, mine.samples);
      }
      if (has_frechet(task)) {
        const auto of_sr = features_of(task, look.sr);
        feature_count = of_sr.size(-1);
        mine.features.add(of_sr);
        mine.features.add(features_of(task, look.hr));
      }
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
  auto values = gather(mine.values, collective);
  auto samples = gather(mine.samples, collective);
  auto features = gather(mine.features, collective);
  outcome.finished = true;
  if (is_root) {
    unpack_values(task, std::move(values), outcome);
    unpack_samples(task, std::move(samples), outcome);
    if (has_frechet(task)) unpack_features(task, std::move(features), feature_count, outcome);
  }
  outcome.seconds = seconds();
  return outcome;
}

}  // namespace reprise::worker
