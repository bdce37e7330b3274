#pragma once
/// Super-resolution networks behind one interface, made by name.

#include <torch/torch.h>

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <vector>

#include "models/safetensors.h"

namespace reprise::models {

/// A super-resolution network: [N, C, h, w] in [0, 1] to [N, C, scale * h, scale * w], not clipped.
class SrNetwork : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(torch::Tensor lr) = 0;
};

/// Makes the network that a stage's "network" object describes (sweep/network_schema.cpp lists the
/// names and keys), with weights initialised from the default generator: seed it first.
/// Errors: InvalidInput naming the key.
std::shared_ptr<SrNetwork> make_network(const boost::json::object& config, std::int64_t channels,
                                        std::int64_t scale);

/// Parameters and buffers under the reference's keys.
TensorFile state_of(const torch::nn::Module& module);

/// Copies a state into a module. Strict: every key must fit. Errors: Corrupt listing the missing,
/// unexpected and misshapen keys; `where` names the source.
void load_weights(torch::nn::Module& module, const TensorFile& state, const std::string& where);

}  // namespace reprise::models
