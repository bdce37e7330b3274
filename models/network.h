#pragma once
/// Super-resolution networks behind one interface, made by name.

#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <string>

#include "models/safetensors.h"
#include "models/torch.h"
#include "models/window_plan.h"

namespace reprise::models {

/// A super-resolution network: [N, C, h, w] in [0, 1] to [N, C, scale * h, scale * w], not clipped.
class SrNetwork : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(torch::Tensor lr) = 0;

  /// How Swin layers are computed; none: the fastest path that is correct for each input. No effect
  /// on networks without Swin layers.
  virtual void set_path(std::optional<SwinPath> /*path*/) {}

  /// True: computes once what depends on weights only. They must not change until it is called
  /// again. For inference; `false` undoes it.
  virtual void hold_weights(bool /*on*/) {}
};

/// Makes the network of a stage's "network" object, with weights initialised from the default
/// generator: equal seeds (`torch::manual_seed`) give equal weights.
///
/// `config` is what `sweep::resolve_network` takes: a name, and parameters that default to the
/// paper's. `channels` go in and out (BraTS has four); `scale` is 2, 3 or 4.
/// Errors: InvalidInput for an unknown name or key, a value of the wrong type or range, or values
/// that do not go together, with the reason.
std::shared_ptr<SrNetwork> make_network(const boost::json::object& config, std::int64_t channels,
                                        std::int64_t scale);

/// Parameters and buffers under the reference's keys.
TensorFile state_of(const torch::nn::Module& module);

/// Copies a state into a module. Strict: every key must fit, but for buffers that follow from the
/// window (`relative_position_index`; the shape of `attn_mask`) and batch counters.
/// Errors: Corrupt listing the missing, unexpected and misshapen keys; `where` names the source.
void load_weights(torch::nn::Module& module, const TensorFile& state, const std::string& where);

}  // namespace reprise::models
