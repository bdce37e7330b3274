#pragma once

// The layers of LibTorch that the networks are made of; apart from models/torch.h because they cost
// every file that includes them two seconds, and most only hold tensors.
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "models/torch.h"
