#pragma once
/// Where the dashboard's pages meet the server's routes.

#include <vector>

#include "dashboards/web/site.h"
#include "orchestrator/routes.h"

namespace reprise::cli {

/// `site` must outlive the routes.
std::vector<web::Route> site_routes(dashboards::web::Site& site);

}  // namespace reprise::cli
