/// reprise compare: which differences between two rows are real.

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <vector>

#include "dashboards/compare.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/study_options.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::cli {
namespace {

struct CompareFlags {
  StudyOptions study;
  std::string a, b;
  std::string metric;
  bool json = false;
};

/// The trial with a row label or name. Errors: InvalidInput with the nearest one.
const sweep::Trial& find_trial(const sweep::Plan& plan, const std::string& row) {
  std::vector<std::string> rows;
  for (const sweep::Trial& trial : plan.trials) {
    if (trial.row == row || trial.name == row) return trial;
    rows.push_back(trial.row);
  }
  throw_invalid("row \"" + row + "\": the study has no such row" + sweep::nearest_hint(row, rows));
}

std::string evaluation_of(const db::Store& store, const sweep::Trial& trial) {
  const std::string& stage = trial.stages.at("evaluate");
  if (!store.is_done(stage)) {
    throw_invalid("row \"" + trial.row + "\": is not evaluated yet: run the study first");
  }
  return stage;
}

int compare_rows(const CompareFlags& flags) {
  const sweep::Study study = load(flags.study);
  const auto plan = sweep::make_plan(study, digests_or_pending(study, flags.study.workspace));
  const sweep::Trial& a = find_trial(plan, flags.a);
  const sweep::Trial& b = find_trial(plan, flags.b);
  if (a.name == b.name) {
    throw_invalid("rows \"" + flags.a + "\" and \"" + flags.b + "\": are one and the same");
  }
  const auto path = database_path(flags.study);
  if (!std::filesystem::exists(path)) throw_invalid(path.string() + ": no database yet");
  const db::Store store(path, db::Access::ReadOnly);
  auto found = dashboards::compare(store, evaluation_of(store, a), evaluation_of(store, b), {});
  if (!flags.metric.empty()) {
    std::vector<std::string> metrics;
    for (const auto& comparison : found) metrics.push_back(comparison.metric);
    std::erase_if(found, [&](const auto& c) { return c.metric != flags.metric; });
    if (found.empty()) {
      std::sort(metrics.begin(), metrics.end());
      metrics.erase(std::unique(metrics.begin(), metrics.end()), metrics.end());
      throw_invalid("--metric " + flags.metric + ": the two rows do not share it" +
                    sweep::nearest_hint(flags.metric, metrics));
    }
  }
  const std::string text =
      flags.json ? boost::json::serialize(dashboards::comparison_json(found, a.row, b.row)) + "\n"
                 : dashboards::render_comparison(found, a.row, b.row);
  std::fputs(text.c_str(), stdout);
  return 0;
}

constexpr const char* kFooter = R"(
Both rows must be evaluated on the same data set; pairs are the slices (or subjects) that both have.
A small p: the difference is hardly chance. Slices of one head are alike: trust the subjects more.
  reprise compare studies/quick.toml L1 HRL --metric PSNR)";

}  // namespace

void add_compare_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<CompareFlags>();
  CLI::App* command = app.add_subcommand(
      "compare",
      "Compare two rows of a study over the same slices and subjects: paired Wilcoxon test and "
      "95 % bootstrap interval of the mean difference");
  add_study_options(*command, flags->study);
  command->add_option("first", flags->a, "Row label or trial name")->required();
  command->add_option("second", flags->b, "Row label or trial name")->required();
  command->add_option("--metric", flags->metric, "Only this one, for example PSNR");
  command->add_flag("--json", flags->json, "JSON instead of a Markdown table");
  command->footer(kFooter);
  command->callback([flags, &exit] { exit.value = compare_rows(*flags); });
}

}  // namespace reprise::cli
