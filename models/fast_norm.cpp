#include "models/fast_norm.h"

#ifdef REPRISE_MODELS_CUDA
#include "models/cuda/norm_tensors.h"
#endif

namespace reprise::models {

using torch::Tensor;

#ifdef REPRISE_MODELS_CUDA
namespace {

struct NormFunction : torch::autograd::Function<NormFunction> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& gain, const Tensor& shift, double epsilon) {
    const Tensor rows = x.contiguous();
    const auto normed = cuda::norm_forward(rows, gain, shift, epsilon, true);
    context->save_for_backward({rows, gain, normed.stats});
    return normed.out;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto result =
        cuda::norm_backward(gradients[0].contiguous(), saved[0], saved[1], saved[2]);
    return {result.x, result.gain, result.shift, Tensor()};
  }
};

}  // namespace
#endif

Tensor fast_layer_norm(const Tensor& x, torch::nn::LayerNorm& norm) {
#ifdef REPRISE_MODELS_CUDA
  if (cuda::takes_norm(x)) {
    const double epsilon = norm->options.eps();
    if (at::GradMode::is_enabled()) {
      return NormFunction::apply(x, norm->weight, norm->bias, epsilon);
    }
    return cuda::norm_forward(x.contiguous(), norm->weight, norm->bias, epsilon, false).out;
  }
#endif
  return norm(x);
}

}  // namespace reprise::models
