#pragma once
/// Attention inside windows, on tokens that stay in a plan's layout (paper Eq. 3).

#include "models/torch.h"
#include "models/window_plan.h"

namespace reprise::models {

/// qkv: [B, H*W, 3*C] in the plan's layout, C = heads * head size, channels as (which, head, size).
/// bias: [heads, w*w (key), w*w (query)] float32. `shifted`: windows moved by the plan's shift,
/// with its mask. Returns [B, H*W, C] in the layout, in qkv's type. Differentiable in qkv and bias.
torch::Tensor window_attention(const torch::Tensor& qkv, const torch::Tensor& bias,
                               const WindowPlan& plan, bool shifted, std::int64_t heads);

}  // namespace reprise::models
