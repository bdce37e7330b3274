/// Stages of kind "profile": how large and how fast a network is (Table 5).
#include <algorithm>
#include <chrono>

#include "sweep/network_profile.h"
#include "sweep/network_schema.h"
#include "worker/config.h"
#include "worker/cuda_graph.h"
#include "worker/precision.h"
#include "worker/stage_body.h"
#include "worker/stage_setup.h"

#ifdef REPRISE_CUDA
#include <c10/cuda/CUDAFunctions.h>
#endif

namespace reprise::worker {
namespace {

namespace json = boost::json;

// LR slice of the paper's counts (Tables 1 and 5).
constexpr std::int64_t kRows = 40;
constexpr std::int64_t kColumns = 32;

void wait_for(const torch::Device& device) {
#ifdef REPRISE_CUDA
  if (device.is_cuda()) c10::cuda::device_synchronize();
#endif
  (void)device;
}

/// Frames a second of the median frame: batch 1, no gradients, warm, for about a second.
double frames_per_second(models::SrNetwork& network, std::int64_t channels,
                         const torch::Device& device) {
  using Clock = std::chrono::steady_clock;
  constexpr int kWarmUps = 3;
  constexpr std::size_t kFramesMin = 5;
  constexpr double kSeconds = 1;
  const torch::InferenceMode inference;
  const auto slice = torch::full({1, channels, kRows, kColumns}, 0.5, device);
  const auto forward = graphed([&](const torch::Tensor& lr) { return network.forward(lr); });
  for (int i = 0; i < kWarmUps; ++i) forward(slice);
  wait_for(device);
  std::vector<double> frames;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const auto start = Clock::now();
  while (frames.size() < kFramesMin || since(start) < kSeconds) {
    const auto begin = Clock::now();
    forward(slice);
    wait_for(device);
    frames.push_back(since(begin));
  }
  std::nth_element(frames.begin(), frames.begin() + static_cast<long>(frames.size() / 2),
                   frames.end());
  return 1 / frames[frames.size() / 2];
}

}  // namespace

StageWork run_profile(const wire::Assign& assign, const StageContext& context) {
  std::shared_ptr<models::SrNetwork> network;
  std::int64_t channels = 1;
  agree(context.collective, [&] {
    set_arithmetic(precision_of(assign.config));
    channels = datasets::info(assign.dataset_path).channels;
    network = build_network(assign.config, {.channels = channels, .device = context.device});
    network->eval();
    network->hold_weights(true);
  });
  StageWork work;
  if (context.collective.rank() != 0) return work;
  const auto start = std::chrono::steady_clock::now();
  const double speed = frames_per_second(*network, channels, context.device);
  const auto counts =
      sweep::profile_network(sweep::resolve_network(config::table(assign.config, "network")),
                             {.channels = channels,
                              .scale = config::integer(assign.config, "scale", 1),
                              .height = kRows,
                              .width = kColumns});
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  work.body = json::object{{"artifacts", json::object{}},
                           {"scalars",
                            {{"params", counts.paper_parameters},
                             {"MACs", counts.paper_macs},
                             {"parameters", counts.parameters},
                             {"product_MACs", counts.product_macs},
                             {"layers", counts.depth},
                             {"receptive_field", counts.receptive_field},
                             {"FPS", speed}}},
                           {"curve", json::array{}},
                           {"provenance", provenance(context, seconds)}};
  return work;
}

}  // namespace reprise::worker
