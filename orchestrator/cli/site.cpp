#include "orchestrator/cli/site.h"

namespace reprise::cli {

std::vector<reprise::web::Route> site_routes(dashboards::web::Site& site) {
  std::vector<reprise::web::Route> routes;
  for (dashboards::web::Page& page : site.pages()) {
    reprise::web::Route route;
    route.method = "GET";
    route.pattern = page.pattern;
    route.authority = page.open ? reprise::web::Authority::None : reprise::web::Authority::View;
    route.background = !page.open;  // These ask the database.
    route.handler = [handler = std::move(page.handler)](const reprise::web::Call& call) {
      std::map<std::string, std::string> parameters = call.query;
      for (const auto& [name, value] : call.parameters) parameters[name] = value;
      dashboards::web::Answer answer = handler(parameters);
      return reprise::web::Reply{.status = answer.status,
                                 .type = std::move(answer.type),
                                 .body = std::move(answer.body),
                                 .headers = std::move(answer.headers)};
    };
    routes.push_back(std::move(route));
  }
  return routes;
}

}  // namespace reprise::cli
