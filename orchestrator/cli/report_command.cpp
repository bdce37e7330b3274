/// `reprise report`: all tables and figures with provenance, cost and deviations, as one page.

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "dashboards/definition.h"
#include "dashboards/figures.h"
#include "dashboards/report.h"
#include "datasets_h5/dataset_file.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/opened_study.h"
#include "orchestrator/cli/python.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/json.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct ReportFlags {
  StudyOptions study;
  std::string folder = "report", of_study;
};

std::vector<dashboards::Table> all_tables(const PaperPlan& paper) {
  std::vector<dashboards::Table> blocks;
  for (const dashboards::Definition& definition : dashboards::paper_tables()) {
    for (auto& table :
         dashboards::build_tables(paper.store.get(), definition, paper.plan, paper.command)) {
      table.title = "Table " + definition.number + ". " + table.title;
      blocks.push_back(std::move(table));
    }
  }
  return blocks;
}

/// Draws what is measured into OUT/figures, as SVG and PNG, and takes the SVGs into the page.
void add_figures(dashboards::ReportInput& input, const PaperPlan& paper, const ReportFlags& flags) {
  const fs::path folder = fs::path(flags.folder) / "figures";
  json::array requests;
  std::vector<std::pair<std::string, std::string>> drawn;
  for (const std::string& which : dashboards::figure_names()) {
    json::object figure =
        dashboards::figure_data(which, *paper.store, paper.plan, flags.study.workspace);
    if (figure.empty()) {
      input.undrawn.push_back(which == "curves" ? "Training curves" : "Fig. " + which);
      continue;
    }
    drawn.emplace_back(figure.at("title").as_string(), figure.at("name").as_string());
    requests.push_back(std::move(figure));
  }
  if (requests.empty()) return;
  run_plot_script(
      {{"figures", std::move(requests)}, {"folder", folder.string()}, {"formats", {"svg", "png"}}});
  for (const auto& [title, name] : drawn) {
    input.figures.push_back({title, read_file(folder / (name + ".svg"))});
  }
}

std::vector<dashboards::ReportDataset> datasets_of(const PaperPlan& paper,
                                                   const std::string& workspace) {
  std::vector<dashboards::ReportDataset> all;
  for (const db::DatasetRow& row : paper.store->datasets()) {
    dashboards::ReportDataset dataset{
        .name = row.name, .digest = row.digest, .recipe = {}, .contents = "file missing"};
    const json::value facts = sweep::parse_json(row.info, "data set " + row.name);
    const json::value* recipe =
        facts.is_object() ? facts.get_object().if_contains("recipe") : nullptr;
    if (recipe != nullptr) dataset.recipe = sweep::canonical_json(*recipe);
    const fs::path file = fs::path(workspace) / row.path;
    if (fs::exists(file)) {
      const datasets::DatasetInfo info = datasets::info(file);
      const auto test = std::count_if(info.subjects.begin(), info.subjects.end(),
                                      [](const auto& subject) { return subject.split == "test"; });
      dataset.contents = std::to_string(info.count) + " slices of " +
                         std::to_string(info.channels) + " x " + std::to_string(info.height) +
                         " x " + std::to_string(info.width) + ", " +
                         std::to_string(info.subjects.size()) + " volumes, " +
                         std::to_string(test) + " of them for the test";
    }
    all.push_back(std::move(dataset));
  }
  return all;
}

int write_report(const ReportFlags& flags) {
  PaperPlan paper = open_paper_plan(flags.of_study, flags.study.workspace);
  if (paper.store == nullptr) (void)require_store(flags.study.workspace);
  std::error_code error;
  fs::create_directories(flags.folder, error);
  if (error || !fs::is_directory(flags.folder)) {
    throw Error(ErrorCode::Unavailable, flags.folder + ": cannot be made a folder");
  }
  dashboards::ReportInput input;
  input.plan = &paper.plan;
  input.version = REPRISE_VERSION;
  input.command = paper.command;
  input.study_text = paper.store->study_text(paper.plan.study).value_or("");
  input.tables = all_tables(paper);
  input.datasets = datasets_of(paper, flags.study.workspace);
  input.costs = dashboards::costs_of(*paper.store, paper.plan);
  add_figures(input, paper, flags);
  const fs::path page = fs::path(flags.folder) / "report.html";
  const fs::path pdf = fs::path(flags.folder) / "report.pdf";
  write_file_atomically(page, dashboards::report_page(input));
  print_page(page, pdf);
  std::printf("%s\n%s\n", page.string().c_str(), pdf.string().c_str());
  return 0;
}

}  // namespace

void add_report_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<ReportFlags>();
  CLI::App* command = app.add_subcommand("report",
                                         "Write all tables and figures with cost, provenance and "
                                         "deviations as one HTML page and a PDF");
  add_workspace_options(*command, flags->study);
  command->add_option("--study", flags->of_study,
                      "Whose results: a file, a folder, or a name in the database");
  command
      ->add_option("-o,--output", flags->folder, "Folder of report.html, report.pdf and figures/")
      ->capture_default_str();
  command->callback([flags, &exit] { exit.value = write_report(*flags); });
}

}  // namespace reprise::cli
