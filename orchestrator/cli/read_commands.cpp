/// The commands that only read: plan, status, table.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>
#include <optional>

#include "dashboards/render.h"
#include "dashboards/table.h"
#include "db/store.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/study_options.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/nearest.h"

namespace reprise::cli {
namespace {

struct Opened {
  sweep::Study study;
  sweep::Plan plan;
  std::unique_ptr<db::Store> store;  ///< Null where no database exists yet.
};

Opened open(const StudyOptions& options) {
  Opened opened{.study = load(options), .plan = {}, .store = nullptr};
  opened.plan = sweep::make_plan(opened.study, digests_or_pending(opened.study, options.workspace));
  const auto path = database_path(options);
  if (std::filesystem::exists(path)) {
    opened.store = std::make_unique<db::Store>(path, db::Access::ReadOnly);
  }
  return opened;
}

std::int64_t steps_alone(const sweep::Plan& plan) {
  std::map<std::string, std::int64_t> steps;
  for (const sweep::Stage& stage : plan.stages) steps[stage.id] = stage.steps;
  std::int64_t total = 0;
  for (const sweep::Trial& trial : plan.trials) {
    std::map<std::string, std::int64_t> own;
    for (const auto& [role, id] : trial.stages) own[id] = steps.at(id);
    for (const auto& [id, count] : own) total += count;
  }
  return total;
}

int show_plan(const StudyOptions& options, bool json) {
  const Opened opened = open(options);
  std::int64_t shared = 0;
  std::int64_t left = 0;
  std::size_t done = 0;
  boost::json::array stages;
  for (const sweep::Stage& stage : opened.plan.stages) {
    const bool is_done = opened.store && opened.store->is_done(stage.id);
    shared += stage.steps;
    left += is_done ? 0 : stage.steps;
    done += is_done ? 1U : 0U;
    stages.push_back({{"id", stage.id},
                      {"kind", sweep::to_string(stage.kind)},
                      {"label", stage.label},
                      {"steps", stage.steps},
                      {"done", is_done}});
    if (!json) {
      std::printf("%s  %-10s  %8lld steps  %s  %s\n", stage.id.substr(0, 12).c_str(),
                  std::string(sweep::to_string(stage.kind)).c_str(),
                  static_cast<long long>(stage.steps), is_done ? "done" : "    ",
                  stage.label.c_str());
    }
  }
  const std::int64_t alone = steps_alone(opened.plan);
  if (json) {
    const boost::json::object out{{"study", opened.study.name},
                                  {"trials", opened.plan.trials.size()},
                                  {"stages", std::move(stages)},
                                  {"stages_done", done},
                                  {"steps_each_trial_alone", alone},
                                  {"steps_shared", shared},
                                  {"steps_left", left}};
    std::printf("%s\n", boost::json::serialize(out).c_str());
    return 0;
  }
  fmt::print("\n{}: {} trials, {} distinct stages, {} done\n", opened.study.name,
             opened.plan.trials.size(), opened.plan.stages.size(), done);
  fmt::print("steps: {} if every trial ran alone, {} after sharing ({:.2f}x fewer), {} left\n",
             alone, shared, static_cast<double>(alone) / static_cast<double>(shared), left);
  return 0;
}

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
  const Opened opened = open(options);
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

struct TableFlags {
  StudyOptions study;
  std::string name, format = "md", against, output;
};

int show_table(const TableFlags& flags) {
  const dashboards::Format format = dashboards::format_from(flags.format);
  const Opened opened = open(flags.study);
  if (!opened.store) {
    throw_invalid(database_path(flags.study).string() +
                  ": no database yet; fill it with: reprise run " + flags.study.study);
  }
  std::string text;
  std::vector<std::string> names;
  for (const sweep::TableSpec& spec : opened.study.tables) {
    names.push_back(spec.name);
    if (!flags.name.empty() && spec.name != flags.name) continue;
    const auto table = dashboards::build_table(*opened.store, spec, opened.study, opened.plan);
    if (!text.empty()) text += "\n";
    text += dashboards::render(table, format, flags.against == "paper");
  }
  if (text.empty()) {
    throw_invalid(flags.study.study + ": no table \"" + flags.name + "\"" +
                  sweep::nearest_hint(flags.name, names));
  }
  if (flags.output.empty()) {
    std::printf("%s", text.c_str());
  } else {
    write_file_atomically(flags.output, text);
  }
  return 0;
}

}  // namespace

void add_plan_command(CLI::App& app, ExitCode& exit) {
  auto options = std::make_shared<StudyOptions>();
  auto json = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("plan", "Show a study's stages, what is shared and what is left");
  add_study_options(*command, *options);
  command->add_flag("--json", *json, "One JSON object instead of text");
  command->callback([options, json, &exit] { exit.value = show_plan(*options, *json); });
}

void add_status_command(CLI::App& app, ExitCode& exit) {
  auto options = std::make_shared<StudyOptions>();
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("status", "Show what runs, is done and has failed");
  add_study_options(*command, *options);
  command->add_flag("--json", *json, "A JSON list instead of text");
  command->callback([options, json, &exit] { exit.value = show_status(*options, *json); });
}

void add_table_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<TableFlags>();
  CLI::App* command = app.add_subcommand("table", "Regenerate a study's tables from the database");
  add_study_options(*command, flags->study);
  command->add_option("name", flags->name, "Which table (default: all)");
  command->add_option("--format", flags->format, "md, csv or json")->capture_default_str();
  command->add_option("--against", flags->against, "paper: the published values beside ours")
      ->check(CLI::IsMember({"paper"}));
  command->add_option("-o,--output", flags->output, "Write to this file instead of printing");
  command->callback([flags, &exit] { exit.value = show_table(*flags); });
}

}  // namespace reprise::cli
