#pragma once
/// NCCL collectives; only in builds with CUDA (`REPRISE_WORKER_NCCL`).

#include <memory>

#include "worker/collective.h"

namespace reprise::worker {

/// One communicator over all ranks; its unique id travels over MPI.
/// Errors: Unavailable when NCCL fails.
std::unique_ptr<Collective> make_nccl_collective(const MpiSession& mpi,
                                                 const torch::Device& device);

}  // namespace reprise::worker
