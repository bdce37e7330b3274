#pragma once
/// The paper's initialisation, where it differs from the released code's.

#include "models/torch.h"

namespace reprise::worker {

/// Draws every linear layer anew, Kaiming uniform as PyTorch does it (a = √5), from the default
/// generator. Networks come with the released code's truncated normal numbers of deviation 0.02;
/// convolutions are Kaiming uniform in both.
void initialise_linear_layers(torch::nn::Module& network);

}  // namespace reprise::worker
