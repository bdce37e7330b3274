/// `reprise show`: what the dashboard's pages show, on a terminal or as the pages' own JSON.

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "dashboards/definition.h"
#include "dashboards/render.h"
#include "dashboards/table.h"
#include "dashboards/web/api.h"
#include "dashboards/web/samples.h"
#include "db/store.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/json_text.h"
#include "orchestrator/cli/overview.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/nearest.h"

namespace reprise::cli {
namespace {

namespace json = boost::json;
namespace web = dashboards::web;

struct ShowFlags {
  std::string what = "overview", name, other, workspace = "workspace", metric, output;
  std::int64_t fence = 0, limit = 50, before = 0, points = 400;
  bool json = false;
};

const std::vector<std::string> kSubjects = {"overview", "study",    "tables", "compare",
                                            "stages",   "stage",    "curve",  "rows",
                                            "samples",  "datasets", "events", "log"};

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

web::StudyView view_of(const db::Store& store, const ShowFlags& flags) {
  const auto names = store.studies();
  std::string name = flags.name;
  if (name.empty() && names.size() == 1) name = names[0];
  auto view = web::load_study_view(store, name);
  if (!view) {
    throw_invalid("study \"" + name + "\": not in this database" +
                  sweep::nearest_hint(name, names));
  }
  return std::move(*view);
}

/// A full id from its beginning.
std::string full_id(const db::Store& store, const std::string& what, const std::string& prefix) {
  if (prefix.empty()) throw_invalid("show " + what + ": needs the id of a stage");
  const auto ids = store.stages_like(prefix, 2);
  if (ids.empty()) throw_invalid("stage \"" + prefix + "\": not in this database");
  if (ids.size() > 1) throw_invalid("stage \"" + prefix + "\": fits several: give more digits");
  return ids[0];
}

std::string stage_of(const db::Store& store, const ShowFlags& flags) {
  return full_id(store, flags.what, flags.name);
}

json::object trials(const db::Store& store, const ShowFlags& flags) {
  const web::StudyView view = view_of(store, flags);
  std::vector<std::vector<db::MetricSummary>> metrics;
  for (const sweep::Trial& trial : view.plan.trials) {
    const auto stage = trial.stages.find("evaluate");
    metrics.push_back(stage == trial.stages.end() ? std::vector<db::MetricSummary>{}
                                                  : store.metric_summaries(stage->second));
  }
  json::object object = web::study_trials(view, metrics);
  if (flags.json) return object;
  // On a terminal: one line a trial, axes and means as columns.
  const json::array axes = object.at("axes").get_array();
  const json::array names = object.at("metrics").get_array();
  json::array lines;
  for (const json::value& trial : object.at("trials").get_array()) {
    json::object line{{"trial", trial.at("row")}, {"state", trial.at("state")}};
    for (std::size_t i = 0; i < axes.size(); ++i)
      line[axes[i].get_string()] = trial.at("axes").at(i);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const json::value& cell = trial.at("metrics").at(i);
      line[names[i].get_string()] = cell.is_null() ? cell : cell.at(0);
    }
    lines.push_back(std::move(line));
  }
  object["trials"] = std::move(lines);
  object.erase("axes");
  object.erase("metrics");
  return object;
}

/// Markdown, the paper's values beside ours.
std::string tables_text(const db::Store& store, const web::StudyView& view) {
  std::vector<dashboards::Table> tables;
  for (const sweep::TableSpec& spec : view.plan.tables) {
    tables.push_back(dashboards::build_table(store, spec, view.plan));
  }
  for (const dashboards::Definition& definition : dashboards::paper_tables()) {
    for (auto& block : dashboards::build_tables(&store, definition, view.plan, "reprise run")) {
      block.title = "Table " + definition.number + ". " + block.title;
      tables.push_back(std::move(block));
    }
  }
  return dashboards::render(tables, dashboards::Format::Markdown, /*against_paper=*/true);
}

json::object log(const db::Store& store, const ShowFlags& flags) {
  const std::string id = stage_of(store, flags);
  const auto attempts = store.attempts(id);
  if (attempts.empty()) throw_invalid("stage " + id + ": has not run yet");
  const auto fence = flags.fence > 0 ? flags.fence : attempts.back().fence;
  return web::attempt_log(store, flags.workspace, id, fence, 256U << 10U);
}

/// Writes the pictures of a stage's samples into a folder, beside telling of them.
json::object samples(const db::Store& store, const ShowFlags& flags) {
  const std::string id = stage_of(store, flags);
  json::object list = web::sample_list(store, flags.workspace, id);
  if (flags.output.empty()) return list;
  for (std::int64_t i = 0; i < list.at("count").as_int64(); ++i) {
    for (std::int64_t c = 0; c < list.at("channels").as_int64(); ++c) {
      for (const json::value& layer : list.at("layers").as_array()) {
        const std::string name(layer.as_string());
        write_file_atomically(
            std::filesystem::path(flags.output) /
                (std::to_string(i) + "-" + std::to_string(c) + "-" + name + ".png"),
            web::sample_png(store, flags.workspace, id, name, i, c));
      }
    }
  }
  return list;
}

json::object answer(const db::Store& store, const ShowFlags& flags) {
  if (flags.what == "overview") return overview_json(store, flags.workspace);
  if (flags.what == "study") return trials(store, flags);
  if (flags.what == "tables") return web::study_tables(store, view_of(store, flags));
  if (flags.what == "compare") {
    if (flags.other.empty()) throw_invalid("show compare: needs the ids of two evaluations");
    return web::stage_compare(store, stage_of(store, flags),
                              full_id(store, flags.what, flags.other));
  }
  if (flags.what == "stages") return web::study_stages(view_of(store, flags));
  if (flags.what == "stage")
    return web::stage_provenance(store, flags.workspace, stage_of(store, flags));
  if (flags.what == "curve") {
    return web::stage_curve(store, stage_of(store, flags), static_cast<std::size_t>(flags.points));
  }
  if (flags.what == "rows") {
    if (flags.metric.empty()) throw_invalid("show rows: needs --metric, for example --metric PSNR");
    return web::stage_rows(store, stage_of(store, flags), flags.metric);
  }
  if (flags.what == "samples") return samples(store, flags);
  if (flags.what == "datasets") return web::dataset_list(store);
  if (flags.what == "events") return web::event_list(store, flags.before, flags.limit);
  if (flags.what == "log") return log(store, flags);
  throw_invalid("show " + flags.what + ": unknown" + sweep::nearest_hint(flags.what, kSubjects));
}

void show(const ShowFlags& flags) {
  const db::Store store(std::filesystem::path(flags.workspace) / "reprise.db",
                        db::Access::ReadOnly);
  if (flags.what == "tables" && !flags.json) {
    std::printf("%s", tables_text(store, view_of(store, flags)).c_str());
    return;
  }
  const json::object object = answer(store, flags);
  if (flags.json) {
    std::printf("%s\n", json::serialize(object).c_str());
  } else if (flags.what == "overview") {
    std::printf("%s", overview_text(object, now_ms()).c_str());
  } else if (flags.what == "log") {
    const std::string text(object.at(object.contains("missing") ? "missing" : "text").as_string());
    std::printf("%s\n", text.c_str());
  } else {
    std::printf("%s", json_text(object).c_str());
  }
}

}  // namespace

void add_show_command(CLI::App& app, ExitCode& /*exit*/) {
  auto flags = std::make_shared<ShowFlags>();
  CLI::App* command = app.add_subcommand(
      "show", "Show a study, a stage's provenance, curve or log, data sets, events");
  command
      ->add_option(
          "what", flags->what,
          "overview; study, tables, stages [NAME]; stage, curve, rows, samples, log STAGE; "
          "compare STAGE STAGE; datasets; events")
      ->capture_default_str();
  command->add_option("name", flags->name, "A study's name, or the beginning of a stage's id");
  command->add_option("other", flags->other, "compare: the second evaluation's id");
  command
      ->add_option("-w,--workspace", flags->workspace,
                   "Folder of the database, data sets, checkpoints and weights")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "The JSON that the dashboard's page gets");
  command->add_option("--metric", flags->metric, "rows: which metric");
  command->add_option("--fence", flags->fence, "log: which attempt (default: the newest)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--limit", flags->limit, "events: how many")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--before", flags->before, "events: only those before this id")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--points", flags->points, "curve: at most so many")
      ->check(CLI::Range(3, 100'000))
      ->capture_default_str();
  command->add_option("-o,--output", flags->output, "samples: write the pictures into this folder");
  command->callback([flags] { show(*flags); });
}

}  // namespace reprise::cli
