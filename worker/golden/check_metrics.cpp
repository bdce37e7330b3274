/// Image and segmentation metrics, resampling, and Inception features.

#include <boost/json.hpp>
#include <cmath>

#include "models/inception.h"
#include "sweep/error.h"
#include "worker/frechet.h"
#include "worker/golden/checks.h"
#include "worker/metrics.h"
#include "worker/resample.h"

namespace reprise::golden {
namespace {

using torch::Tensor;

/// "a.margin4" as {"a", 4}.
std::pair<std::string, std::int64_t> case_and_margin(const std::string& name) {
  const auto at = name.rfind(".margin");
  if (at == std::string::npos) throw_corrupt("unknown case " + name);
  return {name.substr(0, at), std::stoll(name.substr(at + 7))};
}

void check_image_metric(const GoldenFile& file, const std::string& metric, Comparisons& out) {
  for (const std::string& name : file.names_behind("out." + metric + ".")) {
    const auto [sample, margin] = case_and_margin(name);
    const Tensor sr = file.tensor("in.sr." + sample).permute({0, 3, 1, 2});  // [N, C, H, W]
    const Tensor gt = file.tensor("in.gt." + sample).permute({0, 3, 1, 2});
    const Tensor& want = file.tensor("out." + metric + "." + name);
    for (std::int64_t i = 0; i < want.numel(); ++i) {
      const double got = metric == "psnr" ? worker::psnr(sr[i], gt[i], margin)
                                          : worker::ssim(sr[i], gt[i], margin);
      out.numbers(metric + "." + name + "[" + std::to_string(i) + "]", got, want[i].item<double>(),
                  1e-9);
    }
  }
}

/// Dice per slice or of the volume, where the file has it.
void check_dice(const GoldenFile& file, const std::string& name, const worker::LabelRegion& region,
                Comparisons& out) {
  const Tensor &predicted = file.tensor("in.label_pred"), &truth = file.tensor("in.label_gt");
  const std::string slices = "out.dice" + name + "_per_slice",
                    volume = "out.dice" + name + "_volume";
  const std::int64_t column = name.empty() ? region.labels[0] - 1 : 0;
  if (file.has(slices)) {
    const Tensor want = file.tensor(slices).reshape({truth.size(0), -1});
    for (std::int64_t i = 0; i < want.size(0); ++i) {
      out.numbers(slices.substr(4) + "[" + std::to_string(i) + "] " + region.name,
                  worker::dice(predicted[i], truth[i], region), want[i][column].item<double>(),
                  1e-9);
    }
  }
  if (file.has(volume)) {
    out.numbers(volume.substr(4) + " " + region.name, worker::dice(predicted, truth, region),
                file.tensor(volume).reshape({-1})[column].item<double>(), 1e-9);
  }
}

/// The features of each channel as an image of its own, in the order of the file's names.
void check_features(const GoldenFile& file, models::FidInception& network, const std::string& which,
                    bool as_double, Comparisons& out) {
  const torch::NoGradGuard no_grad;
  const Tensor images = file.tensor("in.img" + which).permute({0, 3, 1, 2});
  for (const std::string& channel : file.names_behind("out.features" + which + ".")) {
    if (channel.size() < 2 || channel[0] != 'c') throw_corrupt("unknown features " + channel);
    const std::string noise = "f32_vs_f64." + which + "." + channel;
    if (as_double && !file.has_text(noise)) continue;
    const std::int64_t index = std::stoll(channel.substr(1));
    const Tensor image =
        images.narrow(1, index, 1).to(as_double ? torch::kFloat64 : torch::kFloat32);
    const Tensor got = network.forward(image);
    const Tensor& want = file.tensor("out.features" + which + "." + channel);
    const std::string name = "features" + which + "." + channel;
    if (as_double) {
      out.add("float64 " + name, (got - want.to(torch::kFloat64)).abs().max().item<double>(),
              kRoundingMargin * file.json(noise).to_number<double>() + 1e-9);
    } else {
      out.tensors(name, got, want, 2e-5);
    }
  }
}

bool is_whole_ratio(std::int64_t a, std::int64_t b) { return a % b == 0 || b % a == 0; }

/// [H, W, C] or [N, H, W, C] to [..., C, H, W].
Tensor channels_first(const Tensor& images) { return images.movedim(-1, -3); }

}  // namespace

void check_metrics(const GoldenFile& file, Comparisons& out) {
  check_image_metric(file, "psnr", out);
  check_image_metric(file, "ssim", out);
  if (file.has("in.label_gt")) {
    // Columns are the foreground labels; all of them together are T.
    const auto classes =
        file.has("out.dice_per_slice") ? file.tensor("out.dice_per_slice").size(-1) : 3;
    std::vector<int> all;
    for (int label = 1; label <= classes; ++label) {
      check_dice(file, "", {.name = "class " + std::to_string(label), .labels = {label}}, out);
      all.push_back(label);
    }
    check_dice(file, "T", {.name = "T", .labels = all, .exact = true}, out);
    check_dice(file, "ET", {.name = "ET", .labels = {3}}, out);
    check_dice(file, "TC", {.name = "TC", .labels = {1, 3}}, out);
    check_dice(file, "WT", {.name = "WT", .labels = {1, 2, 3}}, out);
  }
  for (const std::string& name : file.names_behind("in.feat1.")) {
    const double got =
        worker::frechet_distance(file.tensor("in.feat1." + name), file.tensor("in.feat2." + name));
    // "frechet_eig" is by eigenvalues; the other by a matrix square root, soft where covariances
    // are singular.
    for (const auto& [key, relative] :
         {std::pair{"out.frechet_eig.", 1e-6}, std::pair{"out.frechet.", 1e-3}}) {
      if (!file.has(key + name)) continue;
      const double want = file.number(key + name);
      out.numbers(std::string(key).substr(4) + name, got, want, relative * std::abs(want) + 1e-9);
    }
  }
}

void check_bicubic(const GoldenFile& file, Comparisons& out) {
  for (const std::string& name : file.names_behind("out.")) {
    const std::string operation = name.substr(0, name.find('.'));
    const std::string sample = name.substr(name.find('.') + 1);
    const std::string source = operation.rfind("up", 0) == 0
                                   ? "out.down" + operation.substr(2) + "." + sample
                                   : "in.x." + sample;
    const Tensor from = channels_first(file.tensor(source)).to(torch::kFloat32);
    const Tensor want = channels_first(file.tensor("out." + name));
    // At whole ratios all of OpenCV's coordinates are exact; at others they are float32, and 3e-6
    // of a pixel away from ours.
    const bool is_exact = is_whole_ratio(from.size(-2), want.size(-2)) &&
                          is_whole_ratio(from.size(-1), want.size(-1));
    out.tensors(name, worker::resample(from, want.size(-2), want.size(-1)), want,
                is_exact ? 2e-6 : 2e-5);
  }
}

void check_inception(const GoldenFile& file, Comparisons& out) {
  models::FidInception network;
  file.fill(network);
  network.eval();
  for (const char* which : {"1", "2"}) check_features(file, network, which, false, out);
  if (file.has("out.fid_exact") && file.has("out.features1.c0")) {
    const double want = file.number("out.fid_exact");
    out.numbers("fid_exact",
                worker::frechet_distance(file.tensor("out.features1.c0").to(torch::kFloat64),
                                         file.tensor("out.features2.c0").to(torch::kFloat64)),
                want, 1e-4 * std::abs(want));
  }
  to_double(network);
  for (const char* which : {"1", "2"}) check_features(file, network, which, true, out);
}

}  // namespace reprise::golden
