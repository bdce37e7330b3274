#pragma once
/// What people see of a running plan: one entry a stage, told to the observer as it changes.

#include <map>
#include <string>
#include <vector>

#include "orchestrator/coordinator.h"
#include "orchestrator/core.h"
#include "orchestrator/wire.h"

namespace reprise {

class StatusBoard {
 public:
  /// `plan`, `core` and `observer` must outlive the board; the core was made from the plan.
  StatusBoard(const sweep::Plan& plan, core::Core& core, Observer& observer);
  /// Stages that a plan added to the core; it must outlive the board too.
  void add(const sweep::Plan& plan);

  [[nodiscard]] const std::vector<StageStatus>& stages() const { return stages_; }
  /// Errors: std::out_of_range for an id that is not in the plan.
  [[nodiscard]] const sweep::Stage& stage(const std::string& id) const;

  /// Tells the observer of the results that were there before.
  void announce_reused();
  /// Takes a heartbeat's numbers, where the gang still holds the stage it speaks of.
  void take_progress(const std::string& gang, const wire::Heartbeat& beat);
  void reset_progress(const std::string& id);
  /// Copies what changed in the core since the last call and tells the observer of new states.
  void refresh();

 private:
  core::Core& core_;
  Observer& observer_;
  std::map<std::string, std::size_t> index_;
  std::vector<StageStatus> stages_;
};

}  // namespace reprise
