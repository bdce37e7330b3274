/// `reprise query`: the results database, asked in SQL.

#include <cstdio>

#include "db/query.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/query_output.h"
#include "orchestrator/cli/study_options.h"

namespace reprise::cli {
namespace {

struct QueryFlags {
  StudyOptions study;
  std::string sql, format = "table";
};

int run_query(const QueryFlags& flags) {
  const auto out = make_query_output(flags.format, stdout);
  db::query(
      database_path(flags.study), flags.sql, [&](const auto& names) { out->header(names); },
      [&](const auto& row) { out->row(row); });
  out->finish();
  return 0;
}

}  // namespace

void add_query_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<QueryFlags>();
  CLI::App* command = app.add_subcommand(
      "query", "Ask the results database in SQL, read only (db/SCHEMA.md has the tables)");
  command->add_option("sql", flags->sql, "One SELECT")->required();
  add_workspace_options(*command, flags->study);
  command->add_option("--format", flags->format, "table, csv or json")
      ->check(CLI::IsMember({"table", "csv", "json"}))
      ->capture_default_str();
  command->callback([flags, &exit] { exit.value = run_query(*flags); });
}

}  // namespace reprise::cli
