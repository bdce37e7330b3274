#include "worker/cuda_step.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <utility>

namespace reprise::worker {
namespace {

/// Allocations and algorithms settle within a few passes, which must run on the stream of the
/// capture: gradient accumulation keeps the stream it first ran on.
constexpr int kWarmUp = 3;

}  // namespace

struct CudaStep::Graphs {
  Graphs(FlatAdam& optimiser, const torch::Device& device)
      : adam(optimiser), stream(c10::cuda::getStreamFromPool(false, device.index())) {}

  FlatAdam& adam;
  c10::cuda::CUDAStream stream;
  at::cuda::CUDAGraph backward, update;
  torch::Tensor loss;
};

CudaStep::CudaStep(std::function<torch::Tensor()> loss, FlatAdam& adam, const torch::Device& device)
    : graphs_(std::make_unique<Graphs>(adam, device)) {
  const auto before = c10::cuda::getCurrentCUDAStream(device.index());
  before.synchronize();
  const c10::cuda::CUDAStreamGuard guard(graphs_->stream);
  const auto pass = [&] {
    adam.zero_grad();
    const torch::Tensor value = loss();
    value.backward();
    graphs_->loss = value.detach();
  };
  for (int i = 0; i < kWarmUp; ++i) pass();
  graphs_->stream.synchronize();
  // Other threads (NCCL's watchdog, loaders) may call CUDA meanwhile.
  graphs_->backward.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  pass();
  graphs_->backward.capture_end();
  graphs_->update.capture_begin(graphs_->backward.pool(), cudaStreamCaptureModeThreadLocal);
  adam.step_on_device();
  graphs_->update.capture_end();
  graphs_->stream.synchronize();
}

CudaStep::~CudaStep() { graphs_->stream.synchronize(); }

void CudaStep::forward_backward() { graphs_->backward.replay(); }

void CudaStep::update(double learning_rate) {
  graphs_->adam.prepare_device_step(learning_rate);
  graphs_->update.replay();
}

const torch::Tensor& CudaStep::loss() const { return graphs_->loss; }

}  // namespace reprise::worker
