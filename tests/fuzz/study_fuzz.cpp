/// Any bytes as a study: a plan whose stages stand on each other, or a refusal that says where.

#include <set>
#include <string>

#include "sweep/error.h"
#include "sweep/study.h"
#include "tests/fuzz/require.h"

namespace {

using namespace reprise;
using fuzz::require;

void check_plan(const sweep::Study& study) {
  std::map<std::string, std::string> digests;
  for (const auto& dataset : study.datasets) digests[dataset.name] = std::string(64, 'd');
  std::set<std::string> names;
  for (const auto& trial : study.trials) {
    require(!trial.name.empty() && names.insert(trial.name).second);
    require(digests.contains(trial.dataset));
  }
  const sweep::Plan plan = sweep::make_plan(study, digests);
  std::set<std::string> before;
  for (const auto& stage : plan.stages) {
    require(stage.steps >= 0);
    for (const auto& [role, id] : stage.inputs) require(before.contains(id));
    require(before.insert(stage.id).second);
  }
  require(plan.trials.size() == study.trials.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    check_plan(sweep::parse_study(text, "fuzz/study.toml"));
  } catch (const Error& error) {
    require(error.code() == ErrorCode::InvalidInput);
    require(std::string_view(error.what()).find("study.toml") != std::string_view::npos);
  }
  return 0;
}
