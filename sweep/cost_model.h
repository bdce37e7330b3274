#pragma once
/// What a stage will cost, before anything ran: sizes of networks by arithmetic
/// (network_profile.h), step times from a roofline. An estimate for planning; measured speeds
/// replace it where there are any.

#include <cstdint>

#include "sweep/stage.h"

namespace reprise::sweep {

/// Seconds on one data-centre GPU (H100 class) at fp32/TF32 rates.
double modelled_seconds(const Stage& stage);

/// Weights that the stage leaves behind, bytes.
std::int64_t weight_bytes(const Stage& stage);
/// Checkpoints while the stage runs: weights and two moments, times how many are kept; bytes.
/// `weights`: its `weight_bytes`.
std::int64_t checkpoint_bytes(const Stage& stage, std::int64_t weights);

/// Whether the stage is a training: its `steps` are steps.
bool is_training(StageKind kind);

}  // namespace reprise::sweep
