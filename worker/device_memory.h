#pragma once
/// What the CUDA runtime knows and LibTorch's CPU headers do not.

#include <cstddef>

namespace reprise::worker {

/// Free memory of the current CUDA device, bytes; 0 in a build without CUDA or without a device.
std::size_t free_device_bytes();

}  // namespace reprise::worker
