#pragma once

// The part of LibTorch that Reprise uses: tensors, modules, gradients. The whole of it
// (torch/torch.h also brings data loaders, the JIT and every layer there is) costs each file that
// includes it four seconds more. Layers are in models/layers.h.
#include <torch/autograd.h>
#include <torch/cuda.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>
#include <torch/utils.h>
