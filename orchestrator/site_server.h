#pragma once
/// Serves routes without a coordinator: a dashboard over a database when nothing runs.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "orchestrator/routes.h"

namespace reprise {

struct SiteServerOptions {
  std::string bind = "127.0.0.1";
  int port = 0;  ///< 0: any free one.
  std::vector<web::Route> site;
  std::function<std::int64_t()> revision;  ///< Changes when the pages' data did.
  /// Told once, when the port is open: the port, and the secret that lets one look.
  std::function<void(int port, const std::string& view_token)> ready;
};

/// Serves until SIGINT or SIGTERM. Errors: InvalidInput (bind address), Unavailable (port in use).
void serve_site(const SiteServerOptions& options);

}  // namespace reprise
