/// reprise-bench-network: one network's training step or inference on given weights and inputs, a
/// step for every line on standard input. bench/side_by_side.py runs it beside the official code.

#include <malloc.h>
#include <sys/resource.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <ctime>
#include <iostream>
#include <string>

#include "models/network.h"
#include "sweep/error.h"
#include "worker/flat_adam.h"
#include "worker/precision.h"

namespace reprise {
namespace {

struct Arguments {
  std::string network, input, output, mode = "infer", path = "fastest", precision = "fp32";
  std::string device = "cpu";
  int threads = 1;
};

double process_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::optional<models::SwinPath> path_named(const std::string& name) {
  if (name == "reference") return models::SwinPath::Reference;
  if (name == "rearranged") return models::SwinPath::Rearranged;
  if (name == "fused") return models::SwinPath::Fused;
  return std::nullopt;
}

void wait_for(const torch::Device& device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

/// The network with the file's tensors "w.*" as its weights.
std::shared_ptr<models::SrNetwork> load(const Arguments& arguments,
                                        const models::TensorFile& file) {
  const auto config = boost::json::parse(arguments.network).as_object();
  const auto channels = file.tensors.at("in.x").size(1);
  auto network = models::make_network(config, channels, 4);
  auto state = models::state_of(*network);
  for (auto& [key, value] : state.tensors) {
    const auto given = file.tensors.find("w." + key);
    if (given != file.tensors.end()) value = given->second;
  }
  models::load_weights(*network, state, arguments.input);
  network->set_path(path_named(arguments.path));
  network->to(torch::Device(arguments.device));
  return network;
}

void serve(const Arguments& arguments) {
  const torch::Device device(arguments.device);
  const auto file = models::read_safetensors(arguments.input);
  const auto network = load(arguments, file);
  const auto precision = worker::precision_named(arguments.precision);
  worker::set_arithmetic(precision);
  const auto lr = file.tensors.at("in.x").to(device);
  models::TensorFile result;
  std::function<void()> step;
  std::optional<worker::FlatAdam> adam;
  torch::Tensor hr;
  if (arguments.mode == "train") {
    network->train();
    hr = file.tensors.at("in.target").to(device);
    adam.emplace(network->parameters(), worker::FlatAdam::Options{.beta2 = 0.99});
    const auto backward = [&] {
      adam->zero_grad();
      const auto loss = [&] {
        const worker::PrecisionScope scope(precision, device);
        return torch::l1_loss(network->forward(lr).to(torch::kFloat32), hr);
      }();
      loss.backward();
      return loss.item<double>();
    };
    result.tensors["loss"] = torch::tensor(backward(), torch::kFloat64);
    for (const auto& parameter : network->named_parameters()) {
      const auto gradient = parameter.value().grad();
      if (gradient.defined()) {
        result.tensors["g." + parameter.key()] = gradient.cpu().clone();
      }
    }
    step = [&, backward] {
      backward();
      adam->step(1e-4);
    };
  } else {
    network->eval();
    network->hold_weights(true);
    const auto forward = [&] {
      const torch::InferenceMode inference;
      const worker::PrecisionScope scope(precision, device);
      return network->forward(lr);
    };
    result.tensors["out"] = forward().to(torch::kFloat32).cpu().contiguous();
    step = [forward] { (void)forward(); };
  }
  models::write_safetensors(arguments.output, result);
  std::cout << "ready" << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    wait_for(device);
    const double cpu = process_seconds();
    const auto start = std::chrono::steady_clock::now();
    step();
    wait_for(device);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::cout << wall.count() << ' ' << process_seconds() - cpu << ' ' << usage.ru_maxrss / 1024
              << std::endl;
  }
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  reprise::Arguments arguments;
  CLI::App app{
      "Times one network; prints seconds of wall and processor time, and peak MB, a step."};
  app.add_option("--network", arguments.network, "JSON, as a study's [network]")->required();
  app.add_option("--input", arguments.input, "safetensors: w.*, in.x, in.target")->required();
  app.add_option("--output", arguments.output, "safetensors to write: out, or loss and g.*")
      ->required();
  app.add_option("--mode", arguments.mode)->check(CLI::IsMember({"train", "infer"}));
  app.add_option("--path", arguments.path, "How Swin layers are computed")
      ->check(CLI::IsMember({"fastest", "reference", "rearranged", "fused"}));
  app.add_option("--precision", arguments.precision)
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}));
  app.add_option("--device", arguments.device)->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--threads", arguments.threads)->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);
  // As reprise-worker does.
  (void)::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  (void)::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  (void)::mallopt(M_TOP_PAD, 64 << 20);
  torch::set_num_threads(arguments.threads);
  try {
    reprise::serve(arguments);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "reprise-bench-network: " << error.what() << '\n';
    return 2;
  }
}
