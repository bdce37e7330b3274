#pragma once
/// The coordinator's own routes: what people and tools may see and ask.
///
///   GET  /status               view  status.h
///   GET  /api/live             view  a WebSocket that tells what runs and when something changed
///   GET  /api/me               view  what this caller may do
///   GET  /metrics              view  metrics.h
///   POST /api/actions/NAME     act   actions.h
///   GET  /gang                 act   a gang's WebSocket (wire.h)

#include <string>

#include "orchestrator/actions.h"
#include "orchestrator/routes.h"
#include "sweep/plan.h"

namespace reprise {

/// What the routes need from the coordinator.
class ControlHost {
 public:
  ControlHost() = default;
  virtual ~ControlHost() = default;
  ControlHost(const ControlHost&) = delete;
  ControlHost& operator=(const ControlHost&) = delete;
  ControlHost(ControlHost&&) = delete;
  ControlHost& operator=(ControlHost&&) = delete;

  [[nodiscard]] virtual std::vector<const sweep::Plan*> plans() const = 0;
  [[nodiscard]] virtual std::string status_json() const = 0;
  [[nodiscard]] virtual std::string metrics() const = 0;
  /// Records and performs what was asked.
  virtual void act(const ActionRequest& request) = 0;
  /// Adds a study file's text to the running sweep and returns the study's name.
  virtual std::string add_study(const std::string& text, const std::string& who) = 0;
};

/// /api/me and /api/live, which a dashboard without a coordinator serves too.
void add_viewer_routes(web::Routes& routes);

/// `host` must outlive the routes.
void add_control_routes(web::Routes& routes, ControlHost& host);

}  // namespace reprise
