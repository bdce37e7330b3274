#include "worker/infer.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "datasets_h5/derived_volume.h"
#include "datasets_h5/volume.h"
#include "models/network.h"
#include "models/torch.h"
#include "models/unet.h"
#include "models/weights_file.h"
#include "sweep/error.h"
#include "worker/config.h"
#include "worker/cuda_graph.h"

namespace reprise::worker {
namespace {

namespace json = boost::json;

/// One channel of the input as [slices, rows, columns], scaled to [0, 1].
struct Channel {
  torch::Tensor slices;
  double minimum = 0, range = 1;
};

/// [z][y][x] with the slice axis first: rows are the slower of the two others.
std::vector<std::int64_t> slices_first(std::int64_t axis) {
  const std::int64_t position = 2 - axis;  // x is the last axis of the tensor.
  std::vector<std::int64_t> order = {position};
  for (std::int64_t i = 0; i < 3; ++i) {
    if (i != position) order.push_back(i);
  }
  return order;
}

/// Its inverse.
std::vector<std::int64_t> axis_back(std::int64_t axis) {
  const auto order = slices_first(axis);
  std::vector<std::int64_t> inverse(3);
  for (std::size_t i = 0; i < 3; ++i)
    inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  return inverse;
}

Channel read_channel(const std::string& path, std::int64_t axis) {
  datasets::Volume volume = datasets::read_volume(path);
  const auto& dims = volume.dims;
  torch::Tensor values =
      torch::from_blob(volume.values.data(), {dims[2], dims[1], dims[0]}) * volume.slope +
      volume.intercept;
  Channel channel;
  if (!values.isfinite().all().item<bool>())
    throw_invalid(path + ": has voxels that are NaN or infinite");
  channel.minimum = values.min().item<double>();
  channel.range = values.max().item<double>() - channel.minimum;
  if (!(channel.range > 0)) throw_invalid(path + ": every voxel has the same value");
  channel.slices =
      ((values - channel.minimum) / channel.range).permute(slices_first(axis)).contiguous();
  return channel;
}

std::vector<std::string> texts(const json::object& job, const char* key) {
  std::vector<std::string> all;
  for (const json::value& item : config::list(job, key)) all.emplace_back(item.as_string());
  return all;
}

/// [N, C, h, w] of all channels.
torch::Tensor stacked(const std::vector<Channel>& channels, const std::vector<std::string>& paths) {
  std::vector<torch::Tensor> slices;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (channels[i].slices.sizes() != channels[0].slices.sizes()) {
      throw_invalid(paths[i] + ": has another shape than " + paths[0]);
    }
    slices.push_back(channels[i].slices);
  }
  return torch::stack(slices, 1);
}

/// The U-Net of a file: its first and last convolutions tell its sizes.
std::shared_ptr<models::Unet> load_unet(const std::string& path) {
  const models::TensorFile file = models::read_weights(path);
  const auto first = file.tensors.find("encoder.conv1.weight");
  const auto last = file.tensors.find("segmentation_head.0.weight");
  if (first == file.tensors.end() || last == file.tensors.end() || first->second.dim() != 4 ||
      last->second.dim() != 4) {
    throw_corrupt(path + ": holds no segmentation U-Net");
  }
  auto unet = std::make_shared<models::Unet>(models::UnetOptions{.channels = first->second.size(1),
                                                                 .classes = last->second.size(0),
                                                                 .width = first->second.size(0)});
  models::load_weights(*unet, file, path);
  unet->eval();
  return unet;
}

/// Label map [N, H, W] of images [N, C, H, W]: edges are replicated up to multiples of 32, which
/// the U-Net needs, and cut off again.
torch::Tensor label_map(models::Unet& unet, torch::Tensor images) {
  constexpr std::int64_t kMultiple = 32;
  const std::int64_t rows = images.size(2), columns = images.size(3);
  if (unet.options().channels > images.size(1) && images.size(1) == 1) {
    images = images.expand({images.size(0), unet.options().channels, rows, columns});
  }
  if (unet.options().channels != images.size(1)) {
    throw_invalid("--segment: the U-Net takes " + std::to_string(unet.options().channels) +
                  " channels, the volume has " + std::to_string(images.size(1)));
  }
  const torch::Tensor padded =
      torch::replication_pad2d(images, {0, (kMultiple - columns % kMultiple) % kMultiple, 0,
                                        (kMultiple - rows % kMultiple) % kMultiple});
  return unet.forward(padded).logits.narrow(2, 0, rows).narrow(3, 0, columns).argmax(1);
}

/// Refuses another number of volumes than the network's first convolution takes.
void check_channels(const models::TensorFile& weights, std::size_t volumes) {
  for (const char* key : {"head.weight", "head.0.weight", "conv_first.weight"}) {
    const auto first = weights.tensors.find(key);
    if (first == weights.tensors.end() || first->second.dim() != 4) continue;
    const auto channels = first->second.size(1);
    if (channels == static_cast<std::int64_t>(volumes)) return;
    throw_invalid("--input: " + std::to_string(volumes) + " given, the network takes " +
                  std::to_string(channels) + " channels; one volume is needed for each");
  }
}

/// Slices [N, H, W] back to [z][y][x] and into a file.
void write_slices(const std::string& out, const std::string& like, const torch::Tensor& slices,
                  std::int64_t axis, std::int64_t scale, datasets::Element element) {
  const torch::Tensor volume = slices.to(torch::kFloat32).permute(axis_back(axis)).contiguous();
  std::array<int, 3> factor{};
  factor.fill(static_cast<int>(scale));
  factor.at(static_cast<std::size_t>(axis)) = 1;
  datasets::write_derived_nifti(
      out, like, factor, {volume.const_data_ptr<float>(), static_cast<std::size_t>(volume.numel())},
      element);
}

}  // namespace

void infer(const json::object& job, std::ostream& log) {
  const torch::InferenceMode inference;
  const auto threads = config::integer(job, "threads", 0);
  if (threads > 0) torch::set_num_threads(static_cast<int>(threads));
  const torch::Device device(config::text(job, "device"));
  if (device.is_cuda() && !torch::cuda::is_available()) {
    throw Error(ErrorCode::Unavailable, "--device cuda: no CUDA device is visible");
  }
  const std::int64_t axis = config::integer(job, "axis", 0);
  const std::int64_t scale = config::integer(job, "scale", 1);
  const std::int64_t batch = config::integer(job, "batch", 1);
  const auto inputs = texts(job, "inputs"), outputs = texts(job, "outputs");
  std::vector<Channel> channels;
  for (const std::string& path : inputs) channels.push_back(read_channel(path, axis));
  const torch::Tensor lr = stacked(channels, inputs);

  const std::string weights = config::text(job, "weights");
  const models::TensorFile file = models::read_weights(weights);
  check_channels(file, inputs.size());
  const auto network = models::make_network(config::table(job, "network"),
                                            static_cast<std::int64_t>(inputs.size()), scale);
  models::load_weights(*network, file, weights);
  network->to(device);
  network->eval();
  network->hold_weights(true);
  std::shared_ptr<models::Unet> unet;
  if (job.contains("segmenter")) {
    unet = load_unet(config::text(job, "segmenter"));
    unet->to(device);
  }

  const auto start = std::chrono::steady_clock::now();
  const auto forward = graphed([&](const torch::Tensor& part) { return network->forward(part); });
  std::vector<torch::Tensor> images, labels;
  for (std::int64_t first = 0; first < lr.size(0); first += batch) {
    const torch::Tensor part = lr.narrow(0, first, std::min(batch, lr.size(0) - first)).to(device);
    const torch::Tensor sr = forward(part);
    if (unet) labels.push_back(label_map(*unet, sr).cpu());
    images.push_back(sr.cpu());
  }
  const torch::Tensor sr = torch::cat(images, 0);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (std::size_t c = 0; c < outputs.size(); ++c) {
    write_slices(
        outputs[c], inputs[c],
        sr.select(1, static_cast<std::int64_t>(c)) * channels[c].range + channels[c].minimum, axis,
        scale, datasets::Element::Float32);
  }
  if (unet) {
    write_slices(config::text(job, "labels"), inputs[0], torch::cat(labels, 0), axis, scale,
                 datasets::Element::UInt8);
  }
  log << lr.size(0) << " slices of " << lr.size(2) << "x" << lr.size(3) << " to " << sr.size(2)
      << "x" << sr.size(3) << " in " << seconds << " s\n";
}

}  // namespace reprise::worker
