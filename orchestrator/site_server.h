#pragma once
/// Serves routes without a coordinator: a dashboard over a database when nothing runs. Beyond
/// loopback it speaks TLS only.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "orchestrator/coordinator_file.h"
#include "orchestrator/routes.h"

namespace reprise {

struct SiteServerOptions {
  std::filesystem::path workspace;  ///< Of the certificate, if one is needed.
  std::string bind = "127.0.0.1";
  int port = 0;  ///< 0: any free one.
  std::vector<web::Route> site;
  std::function<std::int64_t()> revision;  ///< Changes when the pages' data did.
  /// Told once, when the port is open; the address has no secret but the one to look.
  std::function<void(const CoordinatorAddress& address)> ready;
};

/// Serves until SIGINT or SIGTERM. Errors: InvalidInput (bind address), Unavailable (port in
/// use, no certificate can be written).
void serve_site(const SiteServerOptions& options);

}  // namespace reprise
