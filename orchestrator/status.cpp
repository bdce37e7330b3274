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

}  // namespace

std::string status_json(const std::string& study, const std::vector<StageStatus>& stages,
                        const std::vector<core::GangView>& gangs) {
  boost::json::array stage_list;
  for (const StageStatus& s : stages) {
    stage_list.push_back({{"id", s.stage->id},
                          {"label", s.stage->label},
                          {"kind", sweep::to_string(s.stage->kind)},
                          {"state", s.state},
                          {"gang", s.gang},
                          {"progress", s.progress},
                          {"progress_end", s.progress_end},
                          {"loss", finite(s.loss)},
                          {"steps_per_second", finite(s.steps_per_second)},
                          {"message", s.message},
                          {"reused", s.reused}});
  }
  boost::json::array gang_list;
  for (const core::GangView& gang : gangs) {
    gang_list.push_back(
        boost::json::object{{"name", gang.name}, {"state", core::to_string(gang.state)}});
  }
  return boost::json::serialize(boost::json::object{
      {"study", study}, {"stages", std::move(stage_list)}, {"gangs", std::move(gang_list)}});
}

std::string events_json(const std::vector<db::EventRow>& events) {
  boost::json::array list;
  for (const db::EventRow& e : events) {
    list.push_back(
        boost::json::object{{"time", e.time}, {"kind", e.kind}, {"text", e.text}, {"who", e.who}});
  }
  return boost::json::serialize(list);
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
