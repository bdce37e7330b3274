#pragma once
/// A coordinator of which only the routes' side is there.

#include <string>
#include <vector>

#include "orchestrator/control.h"
#include "tests/orchestrator/core_plan.h"

namespace reprise {

/// Counts what reaches the coordinator.
class FakeControlHost : public ControlHost {
 public:
  FakeControlHost() { plan_.stages.push_back(core::make_stage(std::string(64, 'e'), 1)); }
  std::vector<const sweep::Plan*> plans() const override { return {&plan_}; }
  std::string status_json() const override { return ++seen, "{}"; }
  std::string metrics() const override { return ++seen, "# metrics"; }
  void act(const ActionRequest& request) override { acts.push_back(request.kind); }
  std::string add_study(const std::string& text, const std::string&) override {
    acts.push_back("add-study");
    return text;
  }

  mutable int seen = 0;
  std::vector<std::string> acts;

 private:
  sweep::Plan plan_;
};

}  // namespace reprise
