#pragma once
/// Reads the recorded files of the official implementation and compares with them.

#include <torch/torch.h>

#include <string>

#include "models/network.h"

namespace reprise::golden {

/// The file `name`.safetensors of the golden folder.
models::TensorFile load(const std::string& name);

/// Gives a module the file's weights: the stored ones, or those that its formula describes.
/// Buffers that the file omits keep their own value.
void fill(torch::nn::Module& module, const models::TensorFile& file);

/// Checks outputs, input gradients and gradient norms of every case of a network's file.
/// Tolerances: outputs 2e-5 of the largest value, norms 1e-3 relative and 1e-4 of the largest norm.
void check_network(models::SrNetwork& network, const models::TensorFile& file);

}  // namespace reprise::golden
