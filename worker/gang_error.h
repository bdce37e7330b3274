#pragma once
/// Failures that every rank meets at the same point.

#include "sweep/error.h"

namespace reprise::worker {

/// Thrown by all ranks of a gang together, so the gang is still in step and can go on with another
/// stage. Any other exception may have struck one rank alone and left the others waiting for it.
class GangError : public Error {
 public:
  using Error::Error;
};

}  // namespace reprise::worker
