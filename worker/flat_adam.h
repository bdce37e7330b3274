#pragma once
/// Adam over one flat buffer: parameters, gradients and moments of a network each lie in one
/// tensor, so that a step needs one all-reduce and one pass, and a checkpoint is three tensors.

#include <optional>
#include <vector>

#include "models/torch.h"

namespace reprise::worker {

class FlatAdam {
 public:
  struct Options {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
  };

  /// Moves the parameters into one buffer (they become views of it). Parameters that need no
  /// gradient are left out.
  FlatAdam(const std::vector<torch::Tensor>& parameters, const Options& options);

  /// [extra + weights]: `kExtra` numbers for the caller, then all gradients.
  torch::Tensor& gradients() { return gradients_; }
  /// Numbers at the head of the buffer that travel with the gradients' all-reduce.
  static constexpr int64_t kExtra = 16;

  /// Gradients and extra numbers become 0; parameters have no gradient.
  void zero_grad();
  /// Takes the parameters' gradients into `gradients()`; parameters have none afterwards. Autograd
  /// gives away what it computed, so that this is one copy; a parameter without a gradient counts
  /// 0.
  void gather_gradients();
  /// One update by the gradients, as torch::optim::Adam. `skip`: scalar; if it is 1 on the device,
  /// nothing changes but the count of updates. Nothing waits for the device.
  void step(double learning_rate, const std::optional<torch::Tensor>& skip = std::nullopt);

  /// What it trains, and where in `gradients()` each one's gradient is.
  [[nodiscard]] const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  [[nodiscard]] const std::vector<torch::Tensor>& places() const { return places_; }

  /// State: [weights] float32 each, and the number of updates done.
  torch::Tensor& weights() { return weights_; }
  torch::Tensor& first_moments() { return first_; }
  torch::Tensor& second_moments() { return second_; }
  [[nodiscard]] int64_t updates() const { return updates_; }
  void set_updates(int64_t updates) { updates_ = updates; }

 private:
  Options options_;
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> places_;  ///< Of each parameter's gradient in `gradients_`.
  torch::Tensor weights_;
  torch::Tensor gradients_;
  torch::Tensor first_;
  torch::Tensor second_;
  torch::Tensor count_;          ///< Scalar: the number of updates done, with the one in progress.
  torch::Tensor learning_rate_;  ///< Scalar.
  int64_t updates_ = 0;
};

}  // namespace reprise::worker
