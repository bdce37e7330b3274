#include "orchestrator/status.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

namespace reprise {
namespace {

boost::json::value finite(double number) {
  return std::isfinite(number) ? boost::json::value(number) : boost::json::value(nullptr);
}

boost::json::object stage_json(const StageStatus& s, const core::StageView& view) {
  return {{"id", s.stage->id},
          {"label", s.stage->label},
          {"kind", sweep::to_string(s.stage->kind)},
          {"state", s.state},
          {"gang", s.gang},
          {"progress", s.progress},
          {"progress_end", s.progress_end},
          {"loss", finite(s.loss)},
          {"steps_per_second", finite(s.steps_per_second)},
          {"priority", view.priority},
          {"failures", view.failures},
          {"losses", view.losses},
          {"message", s.message},
          {"reused", s.reused}};
}

boost::json::array gangs_json(const core::Core& core) {
  boost::json::array list;
  for (const core::GangView& gang : core.gangs()) {
    list.push_back(boost::json::object{
        {"name", gang.name},
        {"host", gang.host},
        {"state", core::to_string(gang.state)},
        {"ranks", gang.ranks},
        {"connected", gang.connected},
        {"stage", gang.queued > 0 ? core.stages()[gang.stage].id : std::string()},
        {"queued", gang.queued}});
  }
  return list;
}

/// What `/status` and `/api/live` both say; `stages` beside it.
boost::json::object sweep_json(const std::string& study, const core::Core& core) {
  using core::StageState;
  boost::json::object counts;
  for (const StageState state :
       {StageState::Blocked, StageState::Ready, StageState::Running, StageState::Done,
        StageState::Failed, StageState::Aborted, StageState::Cancelled}) {
    counts[core::to_string(state)] = core.count(state);
  }
  return {{"study", study},
          {"paused", core.paused()},
          {"draining", core.draining()},
          {"stopping", core.stopping()},
          {"counts", std::move(counts)},
          {"gangs", gangs_json(core)}};
}

}  // namespace

std::string status_json(const std::string& study, const std::vector<StageStatus>& stages,
                        const core::Core& core) {
  boost::json::array list;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    list.push_back(stage_json(stages[i], core.stages()[i]));
  }
  boost::json::object all = sweep_json(study, core);
  all["stages"] = std::move(list);
  return boost::json::serialize(all);
}

std::string live_json(const std::string& study, std::int64_t revision,
                      const std::vector<StageStatus>& stages, const core::Core& core) {
  boost::json::array running;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (core.stages()[i].state != core::StageState::Running) continue;
    running.push_back(stage_json(stages[i], core.stages()[i]));
  }
  boost::json::object all = sweep_json(study, core);
  all["revision"] = revision;
  all["stages"] = std::move(running);
  return boost::json::serialize(all);
}

RunOutcome outcome_of(const std::vector<core::StageView>& stages, bool interrupted) {
  RunOutcome result;
  result.interrupted = interrupted;
  for (const core::StageView& stage : stages) {
    result.done += stage.state == core::StageState::Done ? 1 : 0;
    result.reused += stage.reused ? 1 : 0;
    result.failed += stage.state == core::StageState::Failed ? 1 : 0;
    const bool unrun =
        stage.state == core::StageState::Aborted || stage.state == core::StageState::Cancelled;
    result.aborted += unrun ? 1 : 0;
  }
  return result;
}

}  // namespace reprise
