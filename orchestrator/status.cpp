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

boost::json::object stage_json(const StageStatus& s) {
  return {{"id", s.stage->id},
          {"label", s.stage->label},
          {"kind", sweep::to_string(s.stage->kind)},
          {"state", s.state},
          {"gang", s.gang},
          {"progress", s.progress},
          {"progress_end", s.progress_end},
          {"loss", finite(s.loss)},
          {"steps_per_second", finite(s.steps_per_second)},
          {"message", s.message},
          {"reused", s.reused}};
}

boost::json::array gangs_json(const std::vector<core::GangView>& gangs) {
  boost::json::array list;
  for (const core::GangView& gang : gangs) {
    list.push_back(
        boost::json::object{{"name", gang.name}, {"state", core::to_string(gang.state)}});
  }
  return list;
}

}  // namespace

std::string status_json(const std::string& study, const std::vector<StageStatus>& stages,
                        const std::vector<core::GangView>& gangs) {
  boost::json::array stage_list;
  for (const StageStatus& status : stages) stage_list.push_back(stage_json(status));
  return boost::json::serialize(boost::json::object{
      {"study", study}, {"stages", std::move(stage_list)}, {"gangs", gangs_json(gangs)}});
}

std::string live_json(const std::string& study, std::int64_t revision,
                      const std::vector<StageStatus>& stages, const core::Core& core) {
  boost::json::object counts;
  boost::json::array running;
  for (const StageStatus& s : stages) {
    const boost::json::value* count = counts.if_contains(s.state);
    counts[s.state] = count == nullptr ? 1 : count->get_int64() + 1;
    if (s.state == "running") running.push_back(stage_json(s));
  }
  return boost::json::serialize(boost::json::object{{"revision", revision},
                                                    {"study", study},
                                                    {"paused", core.paused()},
                                                    {"draining", core.draining()},
                                                    {"counts", std::move(counts)},
                                                    {"stages", std::move(running)},
                                                    {"gangs", gangs_json(core.gangs())}});
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
