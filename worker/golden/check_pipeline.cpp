/// From volumes to slices, and the degradation of a test slice.

#include <boost/json.hpp>

#include "datasets_h5/slicing.h"
#include "sweep/error.h"
#include "worker/golden/checks.h"
#include "worker/resample.h"

namespace reprise::golden {
namespace {

namespace json = boost::json;

/// A volume as if read from disk; `values` is [x, y, z] or [x, y, z, 1].
datasets::Volume volume_of(const GoldenFile& file, const std::string& key) {
  torch::Tensor values = file.tensor(key);
  if (values.dim() == 4 && values.size(3) == 1) values = values.squeeze(3);
  if (values.dim() != 3) throw_corrupt(key + " is no volume");
  datasets::Volume volume;
  volume.path = key;
  for (std::size_t i = 0; i < 3; ++i) {
    volume.dims[i] = static_cast<int>(values.size(static_cast<std::int64_t>(i)));
    volume.voxel_mm[i] = 1;
  }
  const torch::Tensor raw = values.permute({2, 1, 0}).to(torch::kFloat32).contiguous();
  const auto* first = raw.const_data_ptr<float>();
  volume.values.assign(first, first + raw.numel());
  return volume;
}

/// The reader's rule, with the crop that the file's metadata give for a volume of these sides.
datasets::SlicingRule rule_of(const GoldenFile& file, const std::string& reader,
                              const datasets::Volume& volume) {
  datasets::SlicingRule rule;
  rule.slice_axis = 2;
  if (reader == "oasis") {
    rule.drop_empty_images = true;
  } else {
    rule.label_sum_above = 100;
  }
  if (reader == "brats") rule.label_values = {{4, 3}};
  const json::object options = file.json(reader).as_object();
  if (const json::value* threshold = options.if_contains("label_threshold")) {
    rule.label_sum_above = threshold->as_int64();
  }
  if (const json::value* crop = options.if_contains("crop")) {
    rule.size.fill(static_cast<int>(crop->as_int64()));
    return rule;
  }
  const json::array& margin = options.at("margin").as_array();
  rule.size = {volume.dims[1] - 2 * static_cast<int>(margin.at(0).as_int64()),
               volume.dims[0] - 2 * static_cast<int>(margin.at(1).as_int64())};
  return rule;
}

void check_reader(const GoldenFile& file, const std::string& reader, Comparisons& out) {
  std::vector<datasets::Volume> channels;
  if (file.has("in." + reader)) channels.push_back(volume_of(file, "in." + reader));
  for (int i = 0; file.has("in." + reader + "_mod" + std::to_string(i)); ++i) {
    channels.push_back(volume_of(file, "in." + reader + "_mod" + std::to_string(i)));
  }
  if (channels.empty()) throw_corrupt("has no volume in." + reader);
  std::optional<datasets::Volume> label;
  if (file.has("in." + reader + "_label")) label = volume_of(file, "in." + reader + "_label");
  const auto slices = datasets::slice_volume(channels, label ? &*label : nullptr,
                                             rule_of(file, reader, channels[0]), 255);
  if (file.has("out." + reader + "_mask")) {
    out.numbers(reader + ": slices", slices.count,
                file.tensor("out." + reader + "_mask").sum().item().toDouble(), 0);
  }
  const auto count = static_cast<std::int64_t>(channels.size());
  torch::Tensor images = torch::from_blob(const_cast<float*>(slices.images.data()),
                                          {slices.count, count, slices.height, slices.width})
                             .to(torch::kFloat64);
  for (std::size_t c = 0; c < channels.size(); ++c) {
    const double minimum = slices.subject.minimum[c], maximum = slices.subject.maximum[c];
    images.select(1, static_cast<std::int64_t>(c)).sub_(minimum).div_(maximum - minimum);
  }
  out.tensors(reader, images.permute({0, 2, 3, 1}), file.tensor("out." + reader), 1e-6);
  if (!file.has("out." + reader + "_label")) return;
  const torch::Tensor labels =
      torch::from_blob(const_cast<std::uint8_t*>(slices.labels.data()),
                       {slices.count, slices.height, slices.width, 1}, torch::kUInt8);
  out.tensors(reader + "_label", labels, file.tensor("out." + reader + "_label"), 0);
}

}  // namespace

void check_pipeline(const GoldenFile& file, Comparisons& out) {
  for (const std::string reader : {"oasis", "brats", "acdc", "covid"}) {
    if (file.has("out." + reader)) check_reader(file, reader, out);
  }
  if (!file.has("in.test_hr")) return;
  const torch::Tensor hr =
      file.tensor("in.test_hr").permute({2, 0, 1}).unsqueeze(0).to(torch::kFloat32);
  const torch::Tensor lr = worker::degrade(hr, 4);
  out.tensors("test_lr", lr, file.tensor("out.test_lr"), 5e-6);
  out.tensors("test_bicubic", worker::resample(lr, hr.size(2), hr.size(3)),
              file.tensor("out.test_bicubic"), 5e-6);
}

}  // namespace reprise::golden
