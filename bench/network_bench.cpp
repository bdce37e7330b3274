/// reprise-bench-network: one network's training step or inference on given weights and inputs, as
/// many steps as every line on standard input says (empty: one). bench/side_by_side.py runs it
/// beside the official code.

#include <malloc.h>
#include <sys/resource.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <ctime>
#include <iostream>
#include <set>
#include <string>

#include "models/network.h"
#include "models/torch.h"
#include "sweep/error.h"
#include "worker/cuda_graph.h"
#include "worker/precision.h"
#include "worker/train_step.h"

namespace reprise {
namespace {

struct Arguments {
  std::string network, input, output, mode = "infer", path = "fastest", precision = "fp32";
  std::string device = "cpu", trace;
  int threads = 1;
  bool graphs = true;
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

/// Loss and gradients before the first update.
models::TensorFile first_gradients(models::SrNetwork& network, const torch::Tensor& lr,
                                   const torch::Tensor& hr, worker::Precision precision) {
  const auto loss = [&] {
    const worker::PrecisionScope scope(precision, lr.device());
    return torch::l1_loss(network.forward(lr).to(torch::kFloat32), hr);
  }();
  loss.backward();
  models::TensorFile result;
  result.tensors["loss"] = loss.detach().to(torch::kFloat64).cpu();
  for (const auto& parameter : network.named_parameters()) {
    auto& gradient = parameter.value().mutable_grad();
    if (!gradient.defined()) continue;
    result.tensors["g." + parameter.key()] = gradient.cpu().clone();
    gradient = torch::Tensor();
  }
  return result;
}

/// Steps of the product's training on one batch.
class Training {
 public:
  Training(const std::shared_ptr<models::SrNetwork>& network, const torch::Tensor& lr,
           const torch::Tensor& hr, worker::Precision precision, bool graphs)
      : collective_(worker::make_collective(mpi_, torch::kCPU)) {
    settings_.precision = precision;
    settings_.cuda_graphs = graphs;
    objective_.network = network;
    objective_.output = [network](const worker::Batch& batch) {
      return network->forward(batch.lr);
    };
    objective_.loss_share = [](const torch::Tensor& output, const worker::Batch& batch) {
      return torch::l1_loss(output, batch.hr);
    };
    objective_.adam.beta2 = 0.99;
    objective_.is_static = true;
    const worker::BatchSource batches{
        .make = [hr, lr](std::int64_t,
                         std::int64_t) { return worker::Batch{.hr = hr, .lr = lr, .labels = {}}; },
        .describe = [](std::int64_t) { return std::string("the benchmark's"); }};
    step_.emplace(objective_, batches, settings_, *collective_);
  }
  void step() {
    if (step_->is_full()) (void)step_->collect();
    step_->run(false);
    if (!step_->warning().empty()) throw std::runtime_error(step_->warning());
  }

 private:
  worker::MpiSession mpi_;
  std::unique_ptr<worker::Collective> collective_;
  worker::TrainSettings settings_;
  worker::Objective objective_;
  std::optional<worker::TrainStep> step_;
};

/// Writes which kernels three steps run, and when, in Chrome's trace format.
void trace(const std::string& path, const torch::Device& device,
           const std::function<void()>& step) {
  namespace profiler = torch::autograd::profiler;
  const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO);
  const std::set<torch::profiler::impl::ActivityType> activities{
      device.is_cuda() ? torch::profiler::impl::ActivityType::CUDA
                       : torch::profiler::impl::ActivityType::CPU};
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities, {at::RecordScope::FUNCTION});
  for (int at = 0; at < 3; ++at) step();
  wait_for(device);
  profiler::disableProfiler()->save(path);
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
  std::optional<Training> training;
  std::optional<worker::StreamScope> stream;
  if (arguments.mode == "train") {
    network->train();
    const auto hr = file.tensors.at("in.target").to(device);
    result = first_gradients(*network, lr, hr, precision);
    stream.emplace(device);
    training.emplace(network, lr, hr, precision, arguments.graphs);
    step = [&] { training->step(); };
  } else {
    network->eval();
    network->hold_weights(true);
    const std::function<torch::Tensor(const torch::Tensor&)> plain = [&](const torch::Tensor& x) {
      const worker::PrecisionScope scope(precision, device);
      return network->forward(x);
    };
    const auto forward = arguments.graphs ? worker::graphed(plain) : plain;
    step = [&lr, forward] {
      const torch::InferenceMode inference;
      (void)forward(lr);
    };
    for (int warm_up = 0; warm_up < 3; ++warm_up) step();
    const torch::InferenceMode inference;
    result.tensors["out"] = forward(lr).to(torch::kFloat32).cpu().contiguous();
  }
  models::write_safetensors(arguments.output, result);
  if (!arguments.trace.empty()) {
    for (int warm_up = 0; warm_up < 4; ++warm_up) step();
    trace(arguments.trace, device, step);
  }
  std::cout << "ready" << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    const int steps = line.empty() ? 1 : std::stoi(line);
    wait_for(device);
    const double cpu = process_seconds();
    const auto start = std::chrono::steady_clock::now();
    for (int at = 0; at < steps; ++at) step();
    wait_for(device);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    std::cout << wall.count() / steps << ' ' << (process_seconds() - cpu) / steps << ' '
              << usage.ru_maxrss / 1024 << std::endl;
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
  app.add_option("--trace", arguments.trace, "Write the kernels of three steps to this JSON file");
  app.add_flag("!--no-graphs", arguments.graphs, "No CUDA graphs");
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
