/// `reprise figure`: the paper's figures from the database.

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "dashboards/figures.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/opened_study.h"
#include "orchestrator/cli/python.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::cli {
namespace {

namespace json = boost::json;

struct FigureFlags {
  StudyOptions study;
  std::string which, folder = "figures", of_study;
  std::vector<std::string> formats = {"svg"};
};

int draw(const FigureFlags& flags) {
  const PaperPlan paper = open_paper_plan(flags.of_study, flags.study.workspace);
  if (paper.store == nullptr) (void)require_store(flags.study.workspace);
  std::vector<std::string> wanted = {flags.which};
  if (flags.which == "all") wanted = dashboards::figure_names();
  json::array figures;
  std::vector<std::string> names;
  for (const std::string& which : wanted) {
    json::object figure =
        dashboards::figure_data(which, *paper.store, paper.plan, flags.study.workspace);
    if (figure.empty()) {
      (void)std::fprintf(stderr, "reprise: figure %s: nothing of it is measured yet: %s\n",
                         which.c_str(), paper.command.c_str());
      continue;
    }
    names.emplace_back(figure.at("name").as_string());
    figures.push_back(std::move(figure));
  }
  if (figures.empty()) {
    throw_invalid("figure " + flags.which +
                  ": nothing of it is measured yet; fill it with: " + paper.command);
  }
  run_plot_script({{"figures", std::move(figures)},
                   {"folder", flags.folder},
                   {"formats", json::array(flags.formats.begin(), flags.formats.end())}});
  for (const std::string& name : names) {
    for (const std::string& format : flags.formats) {
      std::printf("%s\n",
                  (std::filesystem::path(flags.folder) / (name + "." + format)).string().c_str());
    }
  }
  return 0;
}

}  // namespace

void add_figure_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<FigureFlags>();
  CLI::App* command =
      app.add_subcommand("figure", "Draw the paper's figures (3-8, 10, 11, curves, all)");
  command->add_option("figure", flags->which, "3 to 8, 10, 11, curves, or all")->required();
  add_workspace_options(*command, flags->study);
  command->add_option("--study", flags->of_study,
                      "Whose results: a file, a folder, or a name in the database");
  command->add_option("-o,--output", flags->folder, "Folder of the files")->capture_default_str();
  command->add_option("--format", flags->formats, "svg, pdf, png: several with commas")
      ->delimiter(',')
      ->check(CLI::IsMember({"svg", "pdf", "png"}))
      ->capture_default_str();
  command->callback([flags, &exit] { exit.value = draw(*flags); });
}

}  // namespace reprise::cli
