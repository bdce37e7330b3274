/// `reprise status`: what runs, is done and has failed.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/opened_study.h"

namespace reprise::cli {
namespace {

std::string state_of(const db::Store* store, const std::string& stage, std::string& detail) {
  if (store == nullptr) return "waiting";
  const auto attempts = store->attempts(stage);
  if (!attempts.empty()) {
    const db::AttemptRow& last = attempts.back();
    detail = fmt::format("{} attempt(s), last on {}", attempts.size(), last.gang);
    if (!last.message.empty()) detail += ": " + last.message;
    if (!store->is_done(stage)) return last.outcome.empty() ? "running" : last.outcome;
  }
  return store->is_done(stage) ? "done" : "waiting";
}

int show_status(const StudyOptions& options, bool json) {
  const Opened opened = open_study(options);
  boost::json::array stages;
  for (const sweep::Stage& stage : opened.plan.stages) {
    std::string detail;
    const std::string state = state_of(opened.store.get(), stage.id, detail);
    stages.push_back(
        {{"id", stage.id}, {"label", stage.label}, {"state", state}, {"detail", detail}});
    if (!json) {
      std::printf("%-11s  %s  %-28s  %s\n", state.c_str(), stage.id.substr(0, 12).c_str(),
                  stage.label.c_str(), detail.c_str());
    }
  }
  if (json) std::printf("%s\n", boost::json::serialize(stages).c_str());
  return 0;
}

}  // namespace

void add_status_command(CLI::App& app, ExitCode& exit) {
  auto options = std::make_shared<StudyOptions>();
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("status", "Show what runs, is done and has failed");
  add_study_options(*command, *options);
  command->add_flag("--json", *json, "A JSON list instead of text");
  command->callback([options, json, &exit] { exit.value = show_status(*options, *json); });
}

}  // namespace reprise::cli
