#include "worker/flat_adam.h"

#include "sweep/error.h"

namespace reprise::worker {
namespace {
/// Every parameter starts at a multiple of 64 bytes, as fast kernels like it.
constexpr int64_t kAlign = 16;
int64_t padded(int64_t count) { return (count + kAlign - 1) / kAlign * kAlign; }
}  // namespace

FlatAdam::FlatAdam(const std::vector<torch::Tensor>& parameters, const Options& options)
    : options_(options) {
  const torch::NoGradGuard no_grad;
  int64_t total = 0;
  for (const auto& parameter : parameters) {
    if (parameter.requires_grad()) total += padded(parameter.numel());
  }
  if (total == 0) throw_invalid("the network has no weights to train");
  const auto place = parameters.front().options().requires_grad(false);
  REPRISE_CHECK(parameters.front().scalar_type() == torch::kFloat32);
  weights_ = torch::zeros({total}, place);
  gradients_ = torch::zeros({kExtra + total}, place);
  first_ = torch::zeros({total}, place);
  second_ = torch::zeros({total}, place);
  count_ = torch::zeros({}, place);
  // float64 on the CPU, where the kernel reads it as a number: float32 would round it.
  learning_rate_ =
      torch::zeros({}, place.dtype(place.device().is_cpu() ? torch::kFloat64 : torch::kFloat32));
  int64_t at = 0;
  for (const auto& shared : parameters) {
    if (!shared.requires_grad()) continue;
    torch::Tensor parameter = shared;
    const auto view = weights_.narrow(0, at, parameter.numel()).view(parameter.sizes());
    view.copy_(parameter);
    parameter.set_data(view);
    parameter.mutable_grad() = torch::Tensor();
    parameters_.push_back(parameter);
    places_.push_back(gradients_.narrow(0, kExtra + at, parameter.numel()).view(parameter.sizes()));
    at += padded(parameter.numel());
  }
}

void FlatAdam::zero_grad() {
  const torch::NoGradGuard no_grad;
  gradients_.zero_();
  for (auto& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
}

void FlatAdam::gather_gradients() {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> places;
  std::vector<torch::Tensor> gradients;
  for (std::size_t at = 0; at < parameters_.size(); ++at) {
    auto& gradient = parameters_[at].mutable_grad();
    if (!gradient.defined()) continue;
    places.push_back(places_[at]);
    gradients.push_back(std::move(gradient));
    gradient = torch::Tensor();
  }
  if (!places.empty()) at::_foreach_copy_(places, gradients);
}

void FlatAdam::step(double learning_rate, const std::optional<torch::Tensor>& skip) {
  const torch::NoGradGuard no_grad;
  ++updates_;
  count_.fill_(static_cast<double>(updates_));
  learning_rate_.fill_(learning_rate);
  at::_fused_adam_({weights_}, {gradients_.narrow(0, kExtra, weights_.numel())}, {first_},
                   {second_}, {}, {count_}, learning_rate_, options_.beta1, options_.beta2,
                   /*weight_decay=*/0, options_.eps, /*amsgrad=*/false, /*maximize=*/false,
                   /*grad_scale=*/std::nullopt, skip);
}

}  // namespace reprise::worker
