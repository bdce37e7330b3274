#pragma once
/// A training step as two CUDA graphs: launched once each instead of some thousand kernels.
///
/// Graph A: zero the flat gradient buffer, forward, loss, backward. Then the all-reduce of that
/// buffer (eager: it orders itself on the same stream). Graph B: fused Adam with step count and
/// learning rate on the device. Shapes are fixed: the batch lies in buffers that the caller copies
/// into. Only in builds with CUDA. Never run on a GPU yet; compiled only.

#include <torch/torch.h>

#include <functional>
#include <memory>

#include "worker/flat_adam.h"

namespace reprise::worker {

class CudaStep {
 public:
  /// Warms up and captures. `loss` computes this rank's share from buffers that stay where they
  /// are; it must not read a value back to the host. The weights are as before afterwards. Errors:
  /// c10::Error when something in `loss` cannot be captured.
  CudaStep(std::function<torch::Tensor()> loss, FlatAdam& adam, const torch::Device& device);
  ~CudaStep();
  CudaStep(const CudaStep&) = delete;
  CudaStep& operator=(const CudaStep&) = delete;
  CudaStep(CudaStep&&) = delete;
  CudaStep& operator=(CudaStep&&) = delete;

  /// Graph A: `adam.gradients()` and `loss()` are new once the stream is done.
  void forward_backward();
  /// Graph B: the weights are updated with the learning rate given, and the optimiser's count.
  void update(double learning_rate);
  /// Scalar on the device: reading it waits, so not every step.
  [[nodiscard]] const torch::Tensor& loss() const;

 private:
  struct Graphs;
  std::unique_ptr<Graphs> graphs_;
};

}  // namespace reprise::worker
