#pragma once
/// The part of `reprise doctor` that listens and connects.

#include <string>
#include <vector>

#include "orchestrator/doctor.h"

namespace reprise {

/// The port in use, this machine's name, and a connection under TLS to what gangs would be told to
/// connect to. Never throws for what it looks at.
std::vector<Finding> examine_network(const DoctorOptions& options);

// ---- single parts, for tests ----
/// From what looking up this machine's own name gave: addresses, or why there are none.
/// Coordinators that listen on every address (`needed`) are reached by it.
Finding name_from(const std::string& name, const std::vector<std::string>& addresses,
                  const std::string& error, bool needed);

}  // namespace reprise
