#include "orchestrator/control.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace reprise {

using web::Authority;
using web::Call;

void add_viewer_routes(web::Routes& routes) {
  routes.add({.method = "GET",
              .pattern = "/api/me",
              .authority = Authority::View,
              .handler = [](const Call& call) {
                return web::json_reply(call.authority == Authority::Act ? R"({"may_act":true})"
                                                                        : R"({"may_act":false})");
              }});
  routes.add({.method = "GET",
              .pattern = "/api/live",
              .authority = Authority::View,
              .handler = [](const Call&) { return web::refuse(426, "this is for a WebSocket"); },
              .upgrade = web::Upgrade::Live});
}

void add_control_routes(web::Routes& routes, ControlHost& host) {
  routes.add({"GET", "/status", Authority::View,
              [&host](const Call&) { return web::json_reply(host.status_json()); }});
  add_viewer_routes(routes);
  routes.add({"GET", "/metrics", Authority::View, [&host](const Call&) {
                web::Reply reply;
                reply.type = "text/plain; version=0.0.4; charset=utf-8";
                reply.body = host.metrics();
                return reply;
              }});
  for (const std::string& name : action_names()) {
    routes.add({"POST", "/api/actions/" + name, Authority::Act, [&host, name](const Call& call) {
                  host.act(parse_action(name, call, host.plans()));
                  return web::json_reply(R"({"accepted":true})");
                }});
  }
  routes.add({"POST", "/api/actions/add-study", Authority::Act, [&host](const Call& call) {
                const StudyRequest request = parse_study_request(call);
                const std::string name = host.add_study(request.text, request.who);
                return web::json_reply(boost::json::serialize(
                    boost::json::object{{"accepted", true}, {"study", name}}));
              }});
  routes.add({"GET", "/gang", Authority::Act,
              [](const Call&) { return web::refuse(426, "this is for a gang's WebSocket"); },
              web::Upgrade::Gang});
}

}  // namespace reprise
