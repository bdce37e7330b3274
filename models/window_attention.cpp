#include "models/window_attention.h"

#include <cmath>

#include "models/kernels/kernel_set.h"
#include "models/parallel.h"
#ifdef REPRISE_MODELS_CUDA
#include "models/cuda/attention_tensors.h"
#endif

namespace reprise::models {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The kernel's type of a tensor's elements.
template <typename T>
T* data(const Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

template <typename T>
kernels::AttentionInput<T> input_of(const Tensor& qkv, const Tensor& place, const Tensor& bias,
                                    const Tensor& mask, std::int64_t heads) {
  kernels::AttentionInput<T> in;
  const std::int64_t tokens = bias.size(1);
  in.shape = {.images = qkv.size(0),
              .windows = qkv.size(1) / tokens,
              .tokens = tokens,
              .heads = heads,
              .head_size = qkv.size(2) / 3 / heads};
  in.qkv = data<T>(qkv);
  in.place = place.data_ptr<std::int32_t>();
  in.bias = bias.data_ptr<float>();
  in.mask = mask.defined() ? mask.data_ptr<float>() : nullptr;
  in.scale = 1.0F / std::sqrt(static_cast<float>(in.shape.head_size));
  return in;
}

template <typename T>
void run_forward(const kernels::AttentionInput<T>& in, const Tensor& out, const Tensor& stats) {
  const kernels::AttentionOutput<T> to{.out = data<T>(out),
                                       .stats = stats.defined() ? data<float>(stats) : nullptr};
  const auto& set = kernels::kernel_set();
  parallel_parts(in.shape.images * in.shape.windows, 1, [&](int64_t begin, int64_t end) {
    if constexpr (std::is_same_v<T, float>) {
      set.forward(in, to, begin, end);
    } else {
      set.forward_bf16(in, to, begin, end);
    }
  });
}

template <typename T>
void run_backward(const kernels::AttentionInput<T>& in, const Tensor& out_gradient,
                  const Tensor& stats, const Tensor& qkv_gradient, const Tensor& bias_gradient) {
  const kernels::AttentionGradients<T> to{
      .out = data<T>(out_gradient),
      .stats = data<float>(stats),
      .qkv = data<T>(qkv_gradient),
      .bias = bias_gradient.defined() ? data<float>(bias_gradient) : nullptr};
  const auto& set = kernels::kernel_set();
  parallel_parts(in.shape.heads, 1, [&](int64_t begin, int64_t end) {
    if constexpr (std::is_same_v<T, float>) {
      set.backward(in, to, begin, end);
    } else {
      set.backward_bf16(in, to, begin, end);
    }
  });
}

/// Calls `work` with a value of the kernel's element type of `qkv`.
template <typename Work>
void with_type(const Tensor& qkv, Work work) {
  if (qkv.scalar_type() == torch::kBFloat16) {
    work(kernels::Bf16{});
  } else {
    work(float{});
  }
}

Tensor fused_forward(const Tensor& qkv, const Tensor& bias, const Tensor& place, const Tensor& mask,
                     std::int64_t heads, const Tensor& stats) {
#ifdef REPRISE_MODELS_CUDA
  if (qkv.is_cuda()) return cuda::attention_forward(qkv, bias, place, mask, heads, stats);
#endif
  Tensor out = torch::empty({qkv.size(0), qkv.size(1), qkv.size(2) / 3}, qkv.options());
  with_type(qkv, [&](auto type) {
    run_forward(input_of<decltype(type)>(qkv, place, bias, mask, heads), out, stats);
  });
  return out;
}

struct FusedAttention : torch::autograd::Function<FusedAttention> {
  static Tensor forward(AutogradContext* context, const Tensor& qkv, const Tensor& bias,
                        const Tensor& place, const std::optional<Tensor>& mask, int64_t heads) {
    const Tensor stats = torch::empty({qkv.size(0), qkv.size(1), heads, 2}, bias.options());
    context->save_for_backward({qkv, bias, place, mask.value_or(Tensor()), stats});
    context->saved_data["heads"] = heads;
    return fused_forward(qkv, bias, place, mask.value_or(Tensor()), heads, stats);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& qkv = saved[0];
    const Tensor gradient = gradients[0].to(qkv.scalar_type()).contiguous();
    const std::int64_t heads = context->saved_data["heads"].toInt();
#ifdef REPRISE_MODELS_CUDA
    if (qkv.is_cuda()) {
      const auto result =
          cuda::attention_backward(gradient, qkv, saved[1], saved[2], saved[3], heads, saved[4]);
      return {result.qkv, result.bias, Tensor(), Tensor(), Tensor()};
    }
#endif
    const Tensor qkv_gradient = torch::empty_like(qkv);
    Tensor bias_gradient;
    if (context->needs_input_grad(1)) bias_gradient = torch::zeros_like(saved[1]);
    with_type(qkv, [&](auto type) {
      run_backward(input_of<decltype(type)>(qkv, saved[2], saved[1], saved[3], heads), gradient,
                   saved[4], qkv_gradient, bias_gradient);
    });
    return {qkv_gradient, bias_gradient, Tensor(), Tensor(), Tensor()};
  }
};

Tensor fused(const Tensor& given, const Tensor& bias, const WindowPlan& plan, bool shifted,
             std::int64_t heads) {
  const Tensor qkv = given.is_cuda() ? given.to(torch::kFloat32) : given;
#ifdef REPRISE_MODELS_CUDA
  const bool takes = qkv.is_cpu() || cuda::takes(qkv, plan.tokens(), heads);
#else
  const bool takes = qkv.is_cpu();
#endif
  TORCH_CHECK(takes, "no fused window attention for ", qkv.toString(), " with ", plan.tokens(),
              " tokens a window and ", heads, " heads of ", qkv.size(2) / 3 / heads);
  const Tensor& place = shifted ? plan.shifted_place : plan.place;
  const Tensor mask = shifted ? plan.mask : Tensor();
  const Tensor rows = qkv.contiguous(), weights = bias.to(torch::kFloat32).contiguous();
  if (!at::GradMode::is_enabled()) return fused_forward(rows, weights, place, mask, heads, {});
  return FusedAttention::apply(rows, weights, place, shifted ? std::optional(mask) : std::nullopt,
                               heads);
}

/// By LibTorch's operations; without gradients by its fused attention.
Tensor rearranged(const Tensor& qkv, const Tensor& bias, const WindowPlan& plan, bool shifted,
                  std::int64_t heads) {
  const std::int64_t batch = qkv.size(0), all = qkv.size(1), width = qkv.size(2) / 3;
  const std::int64_t cells = plan.windows(), tokens = plan.tokens(), size = width / heads;
  const Tensor rows = shifted ? qkv.index_select(1, plan.to_shifted) : qkv;
  const auto parts =
      rows.view({batch * cells, tokens, 3, heads, size}).permute({2, 0, 3, 1, 4}).unbind(0);
  Tensor addend = bias.transpose(1, 2).unsqueeze(0);  // [1, heads, query, key]
  if (shifted) addend = addend + plan.mask.unsqueeze(1).to(bias.scalar_type());  // [nW, ...]
  addend = addend.to(qkv.scalar_type());
  const double scale = 1.0 / std::sqrt(static_cast<double>(size));
  Tensor out;
  if (!at::GradMode::is_enabled()) {
    if (shifted && batch > 1) addend = addend.repeat({batch, 1, 1, 1});
    out = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], addend, 0.0, false, scale);
  } else {
    Tensor logits = torch::matmul(parts[0] * scale, parts[1].transpose(-2, -1));
    logits = (logits.view({batch, -1, shifted ? cells : 1, heads, tokens, tokens}) + addend)
                 .view({batch * cells, heads, tokens, tokens});
    out = torch::matmul(torch::softmax(logits, -1), parts[2]);
  }
  out = out.transpose(1, 2).reshape({batch, all, width});
  return shifted ? out.index_select(1, plan.from_shifted) : out;
}

}  // namespace

Tensor window_attention(const Tensor& qkv, const Tensor& bias, const WindowPlan& plan, bool shifted,
                        std::int64_t heads) {
  TORCH_CHECK(plan.path != SwinPath::Reference, "the reference path has no plan");
  return plan.path == SwinPath::Fused ? fused(qkv, bias, plan, shifted, heads)
                                      : rearranged(qkv, bias, plan, shifted, heads);
}

}  // namespace reprise::models
