/// `reprise table`: the paper's tables by number, or a study's own.

#include <cstdio>

#include "dashboards/definition.h"
#include "dashboards/render.h"
#include "dashboards/table.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/opened_study.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/nearest.h"

namespace reprise::cli {
namespace {

struct TableFlags {
  StudyOptions study;
  std::string name, format = "md", against, output, of_study;
};

/// "1" to "10", "all".
bool is_paper_table(const std::string& what) {
  if (what == "all") return true;
  const auto& tables = dashboards::paper_tables();
  return std::any_of(tables.begin(), tables.end(),
                     [&](const auto& table) { return table.number == what; });
}

std::string paper_text(const TableFlags& flags, dashboards::Format format) {
  const PaperPlan paper = open_paper_plan(flags.of_study, flags.study.workspace);
  std::vector<dashboards::Table> blocks;
  for (const dashboards::Definition& definition : dashboards::paper_tables()) {
    if (flags.study.study != "all" && definition.number != flags.study.study) continue;
    auto tables =
        dashboards::build_tables(paper.store.get(), definition, paper.plan, paper.command);
    for (dashboards::Table& table : tables) {
      table.title = "Table " + definition.number + ". " + table.title;
      blocks.push_back(std::move(table));
    }
  }
  return dashboards::render(blocks, format, flags.against == "paper");
}

std::string study_text(const TableFlags& flags, dashboards::Format format) {
  const Opened opened = open_study(flags.study);
  if (!opened.store) {
    throw_invalid(database_path(flags.study).string() +
                  ": no database yet; fill it with: reprise run " + flags.study.study);
  }
  std::string text;
  std::vector<std::string> names;
  for (const sweep::TableSpec& spec : opened.study.tables) {
    names.push_back(spec.name);
    if (!flags.name.empty() && spec.name != flags.name) continue;
    const auto table = dashboards::build_table(*opened.store, spec, opened.plan);
    if (!text.empty()) text += "\n";
    text += dashboards::render(table, format, flags.against == "paper");
  }
  if (text.empty() && flags.name.empty()) {
    throw_invalid(flags.study.study +
                  ": declares no [[tables]]; the paper's are: reprise table all "
                  "--study " +
                  flags.study.study);
  }
  if (text.empty()) {
    throw_invalid(flags.study.study + ": no table \"" + flags.name + "\"" +
                  sweep::nearest_hint(flags.name, names));
  }
  return text;
}

int show_table(const TableFlags& flags) {
  const dashboards::Format format = dashboards::format_from(flags.format);
  const bool paper = is_paper_table(flags.study.study);
  if (!paper && !std::filesystem::exists(flags.study.study)) {
    throw_invalid(flags.study.study + ": no such file; the paper's tables are 1 to 10 and all");
  }
  const std::string text = paper ? paper_text(flags, format) : study_text(flags, format);
  if (flags.output.empty()) {
    std::printf("%s", text.c_str());
  } else {
    write_file_atomically(flags.output, text);
  }
  return 0;
}

}  // namespace

void add_table_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<TableFlags>();
  CLI::App* command = app.add_subcommand(
      "table", "Regenerate the paper's tables (1..10, all) or a study's own from the database");
  command->add_option("table", flags->study.study, "1 to 10, all, or a study file")->required();
  command->add_option("name", flags->name, "Of a study file: which table (default: all)");
  add_workspace_options(*command, flags->study);
  command->add_option("--study", flags->of_study,
                      "Whose results fill the paper's tables: a file, a folder, or a name in the "
                      "database (default: what the database holds, else studies/paper)");
  command->add_option("--format", flags->format, "md, csv, json, latex or html")
      ->capture_default_str();
  command->add_flag_callback("--json", [flags] { flags->format = "json"; }, "As --format json");
  command->add_option("--against", flags->against, "paper: the published values beside ours")
      ->check(CLI::IsMember({"paper"}));
  command->add_option("-o,--output", flags->output, "Write to this file instead of printing");
  command->callback([flags, &exit] { exit.value = show_table(*flags); });
}

}  // namespace reprise::cli
