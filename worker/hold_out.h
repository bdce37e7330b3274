#pragma once
/// Which training subjects are kept for validation.

#include <cstdint>
#include <vector>

#include "worker/slices.h"

namespace reprise::worker {

struct HeldOut {
  SliceTensors training;
  SliceTensors held_out;
};

/// Takes all slices of `subjects` subjects, drawn by `seed`, out of a training split. `subject`:
/// [N], of every slice. Errors: InvalidInput where no subject would be left to train on.
HeldOut hold_out(const SliceTensors& slices, const std::vector<int>& subject, std::int64_t subjects,
                 std::uint64_t seed);

}  // namespace reprise::worker
