#include "models/fast_norm.h"

#include <vector>

#include "models/kernels/kernel_set.h"
#include "models/parallel.h"
#ifdef REPRISE_MODELS_CUDA
#include "models/cuda/norm_tensors.h"
#endif

namespace reprise::models {

using torch::Tensor;

namespace {

bool takes_rows(const Tensor& x, const torch::nn::LayerNorm& norm) {
  return x.is_cpu() && x.scalar_type() == torch::kFloat32 && x.numel() > 0 && x.dim() >= 1 &&
         norm->options.normalized_shape() == std::vector{x.size(-1)} && norm->weight.defined() &&
         norm->weight.scalar_type() == torch::kFloat32;
}

/// Without gradients: LibTorch's kernel takes three times as long for rows as short as a token.
Tensor norm_on_cpu(const Tensor& x, torch::nn::LayerNorm& norm) {
  const Tensor rows = x.contiguous(), gain = norm->weight.contiguous(),
               shift = norm->bias.contiguous();
  Tensor out = torch::empty_like(rows);
  const kernels::NormInput input{.x = rows.data_ptr<float>(),
                                 .width = rows.size(-1),
                                 .gain = gain.data_ptr<float>(),
                                 .shift = shift.data_ptr<float>(),
                                 .epsilon = static_cast<float>(norm->options.eps())};
  constexpr std::int64_t kRows = 64;  // A thread's part is worth the trouble.
  parallel_parts(rows.numel() / input.width, kRows, [&](std::int64_t begin, std::int64_t end) {
    kernels::kernel_set().norm(input, out.data_ptr<float>(), begin, end);
  });
  return out;
}

#ifdef REPRISE_MODELS_CUDA
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
#endif

}  // namespace

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
  if (!at::GradMode::is_enabled() && takes_rows(x, norm)) return norm_on_cpu(x, norm);
  return norm(x);
}

}  // namespace reprise::models
