#include "models/fast_linear.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "models/kernels/kernel_set.h"

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

/// The type that a product of `x` is computed in, if oneDNN does it.
std::optional<torch::ScalarType> fast_type(const Tensor& x) {
  if (!x.device().is_cpu() || !pointwise() || !pointwise_binary()) return std::nullopt;
  if (at::autocast::is_autocast_enabled(at::kCPU)) {
    const auto type = at::autocast::get_autocast_dtype(at::kCPU);
    return type == torch::kBFloat16 ? std::optional(torch::kBFloat16) : std::nullopt;
  }
  const auto type = x.scalar_type();
  return type == torch::kFloat32 || type == torch::kBFloat16 ? std::optional(type) : std::nullopt;
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
  const Tensor a = gradient.contiguous(), b = x.contiguous();
  Tensor out = torch::empty({a.size(1), b.size(1)}, a.options());
  constexpr std::int64_t kRows = 8;  // A thread takes whole tiles of the kernel.
  const std::int64_t tiles = (out.size(0) + kRows - 1) / kRows;
  at::parallel_for(0, tiles, 4, [&](int64_t begin, int64_t end) {
    kernels::kernel_set().product(a.data_ptr<float>(), a.size(1), b.data_ptr<float>(), b.size(1),
                                  a.size(0), out.data_ptr<float>(), begin * kRows,
                                  std::min(end * kRows, out.size(0)));
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

}  // namespace

bool linear_is_fast(const Tensor& x) { return fast_type(x).has_value(); }

Tensor fast_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto type = fast_type(x);
  if (!type) {
    return at::linear(x, weight, if_defined(bias));
  }
  return cast_linear(x, weight, bias, *type);
}

Tensor fast_linear_add(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const Tensor& residual) {
  const auto type = fast_type(x);
  if (!type) return residual + at::linear(x, weight, bias);
  if (*type != residual.scalar_type() || *type != weight.scalar_type()) {
    return residual + cast_linear(x, weight, bias, *type);
  }
  if (!at::GradMode::is_enabled())
    return pointwise_binary()->call(x, residual, weight, bias, "add");
  return LinearAddFunction::apply(x, weight, bias, residual);
}

Tensor fast_linear_gelu(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto type = fast_type(x);
  if (!type) return torch::gelu(at::linear(x, weight, bias));
  if (!at::GradMode::is_enabled()) {
    return product(x.to(*type), weight.to(*type), in_type(if_defined(bias), *type), "gelu");
  }
  return torch::gelu(cast_linear(x, weight, bias, *type));
}

}  // namespace reprise::models
