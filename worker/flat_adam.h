#pragma once
/// Adam over one flat buffer: parameters, gradients and moments of a network each lie in one
/// tensor, so that a step needs one all-reduce and one pass, and a checkpoint is three tensors.

#include <torch/torch.h>

#include <vector>

namespace reprise::worker {

class FlatAdam {
 public:
  struct Options {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
  };

  /// Moves the parameters into one buffer (they become views of it) and gives each a gradient that
  /// is a view of `gradients()`. Parameters that need no gradient are left out.
  FlatAdam(const std::vector<torch::Tensor>& parameters, const Options& options);

  /// [extra + weights]: `kExtra` numbers for the caller, then all gradients.
  torch::Tensor& gradients() { return gradients_; }
  /// Numbers at the head of the buffer that travel with the gradients' all-reduce.
  static constexpr int64_t kExtra = 16;

  /// Gradients and extra numbers become 0.
  void zero_grad();
  /// One update by the gradients, as torch::optim::Adam.
  void step(double learning_rate);

  /// The same update in two halves, for CUDA graphs: the first counts the step and writes count and
  /// learning rate to the device, the second reads them there and nothing from the host.
  void prepare_device_step(double learning_rate);
  void step_on_device();

  /// State: [weights] float32 each, and the number of updates done.
  torch::Tensor& weights() { return weights_; }
  torch::Tensor& first_moments() { return first_; }
  torch::Tensor& second_moments() { return second_; }
  [[nodiscard]] int64_t updates() const { return updates_; }
  void set_updates(int64_t updates) { updates_ = updates; }

 private:
  Options options_;
  torch::Tensor weights_;
  torch::Tensor gradients_;
  torch::Tensor first_;
  torch::Tensor second_;
  torch::Tensor count_;          ///< Scalar: the number of updates done, with the one in progress.
  torch::Tensor learning_rate_;  ///< Scalar.
  int64_t updates_ = 0;
};

}  // namespace reprise::worker
