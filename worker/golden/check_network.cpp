/// Super-resolution networks, made from the reference's option names.

#include <boost/json.hpp>
#include <cmath>

#include "models/network.h"
#include "models/rdst.h"
#include "models/swinir.h"
#include "sweep/error.h"
#include "sweep/network_schema.h"
#include "worker/flat_adam.h"
#include "worker/golden/checks.h"
#include "worker/train.h"

namespace reprise::golden {
namespace {

namespace json = boost::json;

/// Reads the reference's options, each at most once, and refuses those that nobody read.
class Options {
 public:
  explicit Options(json::object options) : options_(std::move(options)) {}

  /// Sets `network[ours]` to the reference's `theirs`, where it is given.
  void take(json::object& network, const char* theirs, const char* ours) {
    const auto value = find(theirs);
    if (value) network[ours] = *value;
  }
  /// A list with one value a block, all of them equal.
  void take_common(json::object& network, const char* theirs, const char* ours) {
    const auto value = find(theirs);
    if (!value) return;
    if (!value->is_array()) {
      network[ours] = *value;
      return;
    }
    const json::array& list = value->get_array();
    for (const json::value& item : list) {
      if (item == list.at(0)) continue;
      throw_invalid(std::string(theirs) + " = " + json::serialize(*value) +
                    ": must be equal in all blocks");
    }
    network[ours] = list.at(0);
  }
  /// The reference has it at this value only.
  void expect(const char* theirs, const std::vector<json::value>& values) {
    const auto value = find(theirs);
    if (value && std::find(values.begin(), values.end(), *value) == values.end()) {
      throw_invalid(std::string(theirs) + " = " + json::serialize(*value) + ": not supported");
    }
  }
  void ignore(const char* theirs) { (void)find(theirs); }
  std::optional<json::value> find(const char* theirs) {
    known_.emplace_back(theirs);
    const json::value* value = options_.if_contains(theirs);
    return value == nullptr ? std::nullopt : std::optional(*value);
  }
  void finish() const {
    for (const auto& [key, value] : options_) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        throw_invalid("config." + std::string(key) + ": unknown option");
      }
    }
  }

 private:
  json::object options_;
  std::vector<std::string> known_;
};

/// SwinIR's windows shift where the file has masks, or its configuration is the official network's,
/// or its name says so.
bool is_shifted(const GoldenFile& file, bool official) {
  for (const std::string& key : file.names_behind("w.")) {
    if (key.ends_with("attn_mask")) return true;
  }
  if (file.has_text("omitted_buffers")) {
    return file.text("omitted_buffers").find("attn_mask") != std::string::npos;
  }
  const std::string& name = file.text("name");
  return official || (name.ends_with("shift") && !name.ends_with("noshift"));
}

void read_rdst(Options& options, json::object& network) {
  options.take(network, "rdst_embed_dim", "width");
  options.take(network, "rdst_growth_rate", "growth");
  options.take_common(network, "rdst_num_heads", "heads");
  options.take_common(network, "rdst_window_size", "window");
  options.take(network, "rdst_dense_layer_depths", "layers");
  options.take(network, "rdst_rdb_depths", "dense_layers");
  options.expect("swin_hidden_ratio", {2, 2.0});
}

void read_swinir(Options& options, json::object& network, const GoldenFile& file) {
  const bool official = options.find("img_size").has_value();
  for (const char* prefix : {"", "sir_"}) {
    const auto named = [&](const char* key) { return std::string(prefix) + key; };
    options.take(network, named("embed_dim").c_str(), "width");
    options.take_common(network, named("num_heads").c_str(), "heads");
    options.take_common(network, named("window_size").c_str(), "window");
    options.expect(named("mlp_ratio").c_str(), {2, 2.0});
    options.expect(named("resi_connection").c_str(), {"1conv"});
    options.ignore(named("drop_path_rate").c_str());
    if (const auto upsampler = options.find(named("upsampler").c_str())) {
      if (*upsampler != "pixelshuffle" && *upsampler != "pixelshuffledirect") {
        throw_invalid("upsampler " + json::serialize(*upsampler) + ": not supported");
      }
      network["upsampler"] = *upsampler == "pixelshuffle" ? "steps" : "direct";
    }
  }
  options.take(network, "depths", "layers");
  options.take(network, "sir_swintr_layers", "layers");
  for (const char* key : {"upscale", "in_chans", "img_range"}) options.ignore(key);
  network["shift"] = is_shifted(file, official);
}

void read_edsr(Options& options, json::object& network) {
  options.take(network, "edsr_n_feats", "width");
  options.take(network, "edsr_n_resblocks", "blocks");
  options.take(network, "edsr_res_scale", "residual_scale");
  if (const auto activation = options.find("edsr_act")) {
    const bool is_relu = *activation == "relu";
    const std::string name = is_relu ? "relu" : std::string(activation->as_string());
    if (!is_relu && name.find("leaky") == std::string::npos) {
      throw_invalid("edsr_act = " + name + ": not supported");
    }
    network["activation"] = is_relu ? "relu" : "leaky";
  }
  options.expect("edsr_bn", {nullptr, false});
}

/// The configuration of a file's network, for `make_network`.
json::object network_config(const GoldenFile& file) {
  const std::string& kind = file.text("kind");
  Options options(file.json("config").as_object());
  json::object network = {{"name", kind}};
  if (kind.rfind("rdst", 0) == 0) {
    read_rdst(options, network);
  } else if (kind.rfind("swinir", 0) == 0) {
    read_swinir(options, network, file);
  } else if (kind.rfind("edsr", 0) == 0) {
    read_edsr(options, network);
  } else if (kind == "rdn") {
    options.take(network, "rdn_n_feats", "width");
    options.take(network, "rdn_growth_rate", "growth");
    options.take(network, "rdn_n_dense_layers", "layers");
    options.take(network, "rdn_n_blocks", "blocks");
  } else if (kind == "rcan" || kind == "han") {
    options.take(network, "g", "groups");
    options.take(network, "b", "blocks");
    options.take(network, "f", "width");
    options.take(network, "r", "reduction");
  } else {
    options.take(network, "f", "width");
    options.take(network, "n", "blocks");
  }
  options.finish();
  return network;
}

/// What the mean shifts of a file do: value c of "mean" or "std".
double per_channel(const GoldenFile& file, const char* key, std::size_t channel, double fallback) {
  if (!file.has_text(key)) return fallback;
  const json::value value = file.json(key);
  return (value.is_array() ? value.get_array().at(channel) : value).to_number<double>();
}

/// Sets the fixed shifts (x - mean) / std before and their inverse behind the network.
void set_mean_shifts(torch::nn::Module& network, const GoldenFile& file) {
  const torch::NoGradGuard no_grad;
  models::TensorFile state = models::state_of(network);
  if (!state.tensors.contains("sub_mean.weight")) return;
  const std::int64_t channels = state.tensors.at("sub_mean.weight").size(0);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double mean = per_channel(file, "mean", static_cast<std::size_t>(c), 0);
    const double deviation = per_channel(file, "std", static_cast<std::size_t>(c), 1);
    state.tensors.at("sub_mean.weight")[c][c] = 1 / deviation;
    state.tensors.at("sub_mean.bias")[c] = -mean / deviation;
    state.tensors.at("add_mean.weight")[c][c] = deviation;
    state.tensors.at("add_mean.bias")[c] = mean;
  }
}

std::shared_ptr<models::SrNetwork> network_of(const GoldenFile& file) {
  std::int64_t channels = 1;
  if (file.has_text("in_channels")) channels = file.integer("in_channels");
  const std::int64_t scale = file.has_text("scale") ? file.integer("scale") : 4;
  auto network = models::make_network(network_config(file), channels, scale);
  set_mean_shifts(*network, file);
  file.fill(*network);
  return network;
}

/// What the file says of its own rounding in a case, or nothing.
std::optional<json::object> noise_of(const GoldenFile& file, const std::string& name) {
  if (!file.has_text("f32_vs_f64")) return std::nullopt;
  const json::value noise = file.json("f32_vs_f64");
  const json::value* own = noise.as_object().if_contains(name);
  return own == nullptr ? std::nullopt : std::optional(own->as_object());
}

void check_case(const GoldenFile& file, const std::string& name, models::SrNetwork& network,
                const json::object* noise, Comparisons& out) {
  const auto type = noise == nullptr ? torch::kFloat32 : torch::kFloat64;
  const std::string label = noise == nullptr ? "" : "float64 ";
  network.zero_grad();
  const torch::Tensor x = file.tensor("in.x." + name).to(type).clone().requires_grad_(true);
  const torch::Tensor want = file.tensor("out.y." + name);
  const torch::Tensor y = network.forward(x);
  const torch::Tensor loss = (y - file.tensor("in.target." + name).to(type)).abs().mean();
  loss.backward();
  const torch::Tensor& gradient = file.tensor("out.gradx." + name);
  const std::string norms = "gradnorm." + name + ".";
  const double scale = std::max(1.0, want.abs().max().item<double>());
  if (noise == nullptr) {
    out.tensors("y." + name, y, want, 2e-5);
    out.numbers("loss." + name, loss.item<double>(), file.number("out.loss." + name), 2e-5 * scale);
    // Rounding moves single values over a kink of the loss or an activation.
    out.tensors("gradx." + name, x.grad(), gradient, 5e-3, 1e-9);
    compare_gradient_norms(out, network, file, norms, norms);
    return;
  }
  // Exact arithmetic is as far away from the recorded float32 values as their own rounding is: the
  // two numbers are equal to many digits, on every machine, however large the network.
  out.add(label + "y." + name, (y.detach() - want.to(type)).abs().max().item<double>(),
          kRoundingMargin * noise->at("out_max_abs").to_number<double>() + 1e-9 * scale);
  out.tensors(label + "gradx." + name, x.grad(), gradient, 5e-3, 1e-9);
  compare_gradient_norms(
      out, network, file, norms, label + norms,
      kRoundingMargin * noise->at("gradnorm_max_rel").to_number<double>() + 1e-9);
}

}  // namespace

void check_network(const GoldenFile& file, Comparisons& out) {
  const auto network = network_of(file);
  network->eval();
  if (file.has_text("n_params")) {
    std::int64_t parameters = 0;
    for (const auto& parameter : network->parameters()) parameters += parameter.numel();
    out.numbers("number of parameters", static_cast<double>(parameters),
                static_cast<double>(file.integer("n_params")), 0);
  }
  const auto cases = file.names_behind("in.x.");
  if (cases.empty()) throw_corrupt("has no tensor in.x.<case>");
  for (const std::string& name : cases) check_case(file, name, *network, nullptr, out);
  to_double(*network);
  for (const std::string& name : cases) {
    const auto noise = noise_of(file, name);
    if (noise) check_case(file, name, *network, &*noise, out);
  }
}

void check_training(const GoldenFile& file, Comparisons& out) {
  const auto network = network_of(file);
  network->train();
  const json::object optimizer = file.json("optimizer").as_object();
  worker::TrainSettings settings;
  settings.learning_rate = optimizer.at("lr").to_number<double>();
  settings.gamma = file.json("gamma").to_number<double>();
  const json::value milestones = file.json("milestones");
  for (const json::value& step : milestones.as_array()) {
    settings.milestones.push_back(step.as_int64());
  }
  const json::array& betas = optimizer.at("betas").as_array();
  worker::FlatAdam adam(network->parameters(), {.beta1 = betas.at(0).to_number<double>(),
                                                .beta2 = betas.at(1).to_number<double>(),
                                                .eps = optimizer.at("eps").to_number<double>()});
  const torch::Tensor &inputs = file.tensor("in.x"), &targets = file.tensor("in.target");
  for (std::int64_t step = 0; step < file.integer("steps"); ++step) {
    const double rate = worker::learning_rate_at(settings, step);
    const auto at = [&](const char* key) { return file.tensor(key)[step].item<double>(); };
    adam.zero_grad();
    const torch::Tensor loss = (network->forward(inputs[step]) - targets[step]).abs().mean();
    loss.backward();
    adam.gather_gradients();
    adam.step(rate);
    const std::string number = c10::str("[", step, "]");
    out.numbers("loss" + number, loss.item<double>(), at("out.losses"),
                1e-4 * std::abs(at("out.losses")));
    out.numbers("learning rate" + number, rate, at("out.lrs"), 1e-12);
  }
  for (const auto& [key, value] : models::state_of(*network).tensors) {
    if (!file.has("out.w_after." + key)) continue;
    // Where a gradient is nearly 0, its sign decides Adam's first steps.
    out.tensors("w_after." + key, value, file.tensor("out.w_after." + key),
                2 * settings.learning_rate, 1);
  }
  network->eval();
  const torch::NoGradGuard no_grad;
  out.tensors("y_after", network->forward(inputs[0]), file.tensor("out.y_after"), 1e-3);
}

}  // namespace reprise::golden
