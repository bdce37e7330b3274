#pragma once
/// The one MPI session of a test executable.

#include "worker/mpi.h"

namespace reprise::worker {
inline const MpiSession& test_mpi() {
  static const MpiSession mpi;
  return mpi;
}
}  // namespace reprise::worker
