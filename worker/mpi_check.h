#pragma once
/// Of files that call MPI: its error codes as exceptions.

#include <mpi.h>

#include <string>

#include "sweep/error.h"

namespace reprise::worker {

/// Errors: Unavailable, naming the call `what`, unless `code` is MPI_SUCCESS.
inline void check_mpi(int code, const char* what) {
  if (code != MPI_SUCCESS) {
    throw Error(ErrorCode::Unavailable,
                std::string("MPI: ") + what + " failed with code " + std::to_string(code));
  }
}

}  // namespace reprise::worker
