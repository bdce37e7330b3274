#include "models/fast_linear.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "models/fast_norm.h"
#include "models/kernels/kernel_set.h"
#include "models/parallel.h"
#ifdef REPRISE_MODELS_CUDA
#include "models/cuda/linear_tensors.h"
#include "models/cuda/norm_tensors.h"
#endif

namespace reprise::models {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using Scalars = c10::List<std::optional<at::Scalar>>;
using Pointwise = Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&,
                         std::string_view, Scalars, std::optional<std::string_view>);
using PointwiseBinary = Tensor(const Tensor&, const Tensor&, const Tensor&,
                               const std::optional<Tensor>&, std::string_view);

/// oneDNN's operations, as torch.compile uses them; empty where this LibTorch lacks them.
template <typename Signature>
std::optional<c10::TypedOperatorHandle<Signature>> find(const char* name, const char* overload) {
  if (!at::globalContext().hasMKLDNN()) return std::nullopt;
  const auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!handle || !handle->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return std::nullopt;
  return handle->typed<Signature>();
}

const auto& pointwise() {
  static const auto found = find<Pointwise>("mkldnn::_linear_pointwise", "");
  return found;
}

const auto& pointwise_binary() {
  static const auto found = find<PointwiseBinary>("mkldnn::_linear_pointwise", "binary");
  return found;
}

Tensor product(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
               std::string_view after = "none") {
  return pointwise()->call(x, weight, bias, after, Scalars(),
                           after == "gelu" ? std::optional<std::string_view>("none")
                                           : std::optional<std::string_view>(""));
}

/// The type that a product of `x` is computed in, if oneDNN does it: bfloat16 with AVX-512 only.
std::optional<torch::ScalarType> fast_type(const Tensor& x) {
  if (!x.device().is_cpu() || !pointwise() || !pointwise_binary()) return std::nullopt;
  if (at::autocast::is_autocast_enabled(at::kCPU)) {
    const auto type = at::autocast::get_autocast_dtype(at::kCPU);
    return type == torch::kBFloat16 && kernels::has_avx512() ? std::optional(torch::kBFloat16)
                                                             : std::nullopt;
  }
  const auto type = x.scalar_type();
  const bool is_taken =
      type == torch::kFloat32 || (type == torch::kBFloat16 && kernels::has_avx512());
  return is_taken ? std::optional(type) : std::nullopt;
}

std::optional<Tensor> if_defined(const Tensor& bias) {
  return bias.defined() ? std::optional(bias) : std::nullopt;
}

std::optional<Tensor> in_type(const std::optional<Tensor>& bias, torch::ScalarType type) {
  return bias ? std::optional(bias->to(type)) : std::nullopt;
}

struct Gradients {
  Tensor x, weight, bias;
};

/// gradient [T, N] transposed times x [T, K]: [N, K] float32.
Tensor weight_gradient(const Tensor& gradient, const Tensor& x) {
  if (x.scalar_type() != torch::kFloat32) {
    return product(gradient.t(), x.t(), std::nullopt).to(torch::kFloat32);
  }
  const auto own = kernels::kernel_set().product;
  if (own == nullptr) return torch::mm(gradient.t(), x);
  const Tensor a = gradient.contiguous(), b = x.contiguous();
  Tensor out = torch::empty({a.size(1), b.size(1)}, a.options());
  constexpr std::int64_t kRows = 8;  // A thread takes whole tiles of the kernel.
  const std::int64_t tiles = (out.size(0) + kRows - 1) / kRows;
  parallel_parts(tiles, 4, [&](int64_t begin, int64_t end) {
    own(a.data_ptr<float>(), a.size(1), b.data_ptr<float>(), b.size(1), a.size(0),
        out.data_ptr<float>(), begin * kRows, std::min(end * kRows, out.size(0)));
  });
  return out;
}

/// Of y = x * weight^T + bias, from the gradient of y; only those that are asked for.
Gradients linear_backward(AutogradContext* context, const Tensor& gradient, const Tensor& x,
                          const Tensor& weight, bool has_bias) {
  Gradients result;
  const Tensor flat = gradient.reshape({-1, gradient.size(-1)});
  if (context->needs_input_grad(0)) {
    result.x = product(flat, weight.t(), std::nullopt).view(x.sizes());
  }
  if (context->needs_input_grad(1)) {
    result.weight = weight_gradient(flat, x.reshape({-1, x.size(-1)}));
  }
  if (has_bias && context->needs_input_grad(2)) result.bias = flat.sum(0, false, torch::kFloat32);
  return result;
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& bias, int64_t type) {
    const auto in = static_cast<torch::ScalarType>(type);
    const Tensor rows = x.to(in), matrix = weight.to(in);
    context->save_for_backward({rows, matrix});
    context->saved_data["type"] = static_cast<int64_t>(x.scalar_type());
    context->saved_data["has_bias"] = bias.has_value();
    return product(rows, matrix, in_type(bias, in));
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto type = static_cast<torch::ScalarType>(context->saved_data["type"].toInt());
    auto result = linear_backward(context, gradients[0].to(saved[0].scalar_type()), saved[0],
                                  saved[1], context->saved_data["has_bias"].toBool());
    if (result.x.defined()) result.x = result.x.to(type);
    return {result.x, result.weight, result.bias, Tensor()};
  }
};

/// residual + x * weight^T + bias, in one pass over float32.
struct LinearAddFunction : torch::autograd::Function<LinearAddFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& bias, const Tensor& residual) {
    context->save_for_backward({x, weight});
    return pointwise_binary()->call(x, residual, weight, bias, "add");
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto result = linear_backward(context, gradients[0], saved[0], saved[1], true);
    return {result.x, result.weight, result.bias, gradients[0]};
  }
};

Tensor cast_linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   torch::ScalarType type) {
  if (!at::GradMode::is_enabled()) {
    return product(x.to(type), weight.to(type), in_type(if_defined(bias), type));
  }
  return LinearFunction::apply(x, weight, if_defined(bias), static_cast<int64_t>(type));
}

#ifdef REPRISE_MODELS_CUDA
/// LibTorch's linear layer but for the gradient of the bias, a sum of columns that its general
/// reduction takes three times as long for.
struct CudaLinearFunction : torch::autograd::Function<CudaLinearFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& bias) {
    context->save_for_backward({x, weight});
    return at::linear(x, weight, bias);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor rows = gradients[0].contiguous().view({-1, gradients[0].size(-1)});
    Tensor of_x, of_weight, of_bias;
    if (context->needs_input_grad(0)) of_x = torch::mm(rows, saved[1]).view(x.sizes());
    if (context->needs_input_grad(1)) {
      of_weight = torch::mm(rows.t(), x.reshape({-1, x.size(-1)}));
    }
    if (context->needs_input_grad(2)) of_bias = cuda::sum_columns(rows);
    return {of_x, of_weight, of_bias};
  }
};
#endif

/// Of LibTorch's operations.
Tensor general_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
#ifdef REPRISE_MODELS_CUDA
  const bool is_plain = x.is_cuda() && x.scalar_type() == torch::kFloat32 &&
                        weight.scalar_type() == torch::kFloat32 &&
                        !at::autocast::is_autocast_enabled(at::kCUDA);
  if (is_plain && bias.defined() && at::GradMode::is_enabled()) {
    return CudaLinearFunction::apply(x, weight, bias);
  }
#endif
  return at::linear(x, weight, if_defined(bias));
}

/// The whole layer in one kernel, where there is one.
std::optional<Tensor> small_linear(const Tensor& x, torch::nn::LayerNorm* norm,
                                   const Tensor& weight, const Tensor& bias, bool gelu,
                                   const Tensor& residual) {
#ifdef REPRISE_MODELS_CUDA
  cuda::SmallLinear layer{.x = x,
                          .weight = weight,
                          .bias = bias,
                          .gain = {},
                          .shift = {},
                          .gelu = gelu,
                          .residual = residual};
  if (norm != nullptr) {
    layer.gain = (*norm)->weight;
    layer.shift = (*norm)->bias;
    layer.epsilon = (*norm)->options.eps();
  }
  if (cuda::takes(layer)) return cuda::compute(layer);
#else
  static_cast<void>(x), static_cast<void>(norm), static_cast<void>(weight);
  static_cast<void>(bias), static_cast<void>(gelu), static_cast<void>(residual);
#endif
  return std::nullopt;
}

}  // namespace

bool linear_is_fast(const Tensor& x) { return fast_type(x).has_value(); }

Tensor fast_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (auto small = small_linear(x, nullptr, weight, bias, false, {})) return *small;
  const auto type = fast_type(x);
  if (!type) return general_linear(x, weight, bias);
  return cast_linear(x, weight, bias, *type);
}

Tensor fast_linear_add(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const Tensor& residual) {
  if (auto small = small_linear(x, nullptr, weight, bias, false, residual)) return *small;
  const auto type = fast_type(x);
  if (!type) return residual + general_linear(x, weight, bias);
  if (*type != residual.scalar_type() || *type != weight.scalar_type()) {
    return residual + cast_linear(x, weight, bias, *type);
  }
  if (!at::GradMode::is_enabled())
    return pointwise_binary()->call(x, residual, weight, bias, "add");
  return LinearAddFunction::apply(x, weight, bias, residual);
}

Tensor fast_linear_gelu(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (auto small = small_linear(x, nullptr, weight, bias, true, {})) return *small;
  const auto type = fast_type(x);
  if (!type) return torch::gelu(general_linear(x, weight, bias));
  if (!at::GradMode::is_enabled()) {
    return product(x.to(*type), weight.to(*type), in_type(if_defined(bias), *type), "gelu");
  }
  return torch::gelu(cast_linear(x, weight, bias, *type));
}

Tensor fast_norm_linear(const Tensor& x, torch::nn::LayerNorm& norm, const Tensor& weight,
                        const Tensor& bias) {
  if (auto small = small_linear(x, &norm, weight, bias, false, {})) return *small;
  return fast_linear(fast_layer_norm(x, norm), weight, bias);
}

Tensor fast_norm_linear_gelu(const Tensor& x, torch::nn::LayerNorm& norm, const Tensor& weight,
                             const Tensor& bias) {
  if (auto small = small_linear(x, &norm, weight, bias, true, {})) return *small;
  return fast_linear_gelu(fast_layer_norm(x, norm), weight, bias);
}

Tensor fast_conv_add(const Tensor& x, std::int64_t height, std::int64_t width,
                     torch::nn::Conv2d& convolution, const Tensor& residual) {
#ifdef REPRISE_MODELS_CUDA
  const cuda::SmallLinear layer{.x = x,
                                .weight = convolution->weight,
                                .bias = convolution->bias,
                                .gain = {},
                                .shift = {},
                                .residual = residual,
                                .height = height,
                                .width = width};
  if (cuda::takes(layer)) return cuda::compute(layer);
#endif
  // Tokens in the order of pixels are an image with its channels last, which convolutions like.
  const Tensor image = x.view({x.size(0), height, width, x.size(2)}).permute({0, 3, 1, 2});
  const Tensor out = convolution(image).permute({0, 2, 3, 1});
  return residual + out.reshape({x.size(0), height * width, out.size(3)});
}

}  // namespace reprise::models
