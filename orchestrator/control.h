#pragma once
/// The coordinator's own routes: what people and tools may see and ask.
///
///   GET  /status               view  status.h
///   GET  /api/events           view  the latest requests and incidents
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
  [[nodiscard]] virtual std::string events_json() const = 0;
  /// Records and performs what was asked.
  virtual void act(const ActionRequest& request) = 0;
  /// Adds a study file's text to the running sweep and returns the study's name.
  virtual std::string add_study(const std::string& text, const std::string& who) = 0;
};

/// `host` must outlive the routes.
void add_control_routes(web::Routes& routes, ControlHost& host);

}  // namespace reprise
