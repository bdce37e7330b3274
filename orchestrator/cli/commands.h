#pragma once
/// The subcommands of `reprise`, each mounted on the command line by one function and each ending
/// with an exit code (sweep/error.h, `reprise --help`).

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <utility>

namespace reprise::cli {

/// Set by the command that ran; the program's exit code.
struct ExitCode {
  int value = 0;
};

void add_run_command(CLI::App& app, ExitCode& exit);
void add_plan_command(CLI::App& app, ExitCode& exit);
void add_status_command(CLI::App& app, ExitCode& exit);
void add_table_command(CLI::App& app, ExitCode& exit);
void add_compare_command(CLI::App& app, ExitCode& exit);
void add_figure_command(CLI::App& app, ExitCode& exit);
void add_report_command(CLI::App& app, ExitCode& exit);
void add_query_command(CLI::App& app, ExitCode& exit);
void add_submit_command(CLI::App& app, ExitCode& exit);
void add_db_command(CLI::App& app, ExitCode& exit);
void add_gc_command(CLI::App& app, ExitCode& exit);
/// "window=4" as key and JSON value; a text that is no JSON stands for itself.
/// Errors: InvalidInput without "=".
std::pair<std::string, boost::json::value> split_change(const std::string& change);

void add_models_command(CLI::App& app);
void add_infer_command(CLI::App& app);
void add_export_command(CLI::App& app);
void add_worker_commands(CLI::App& app);
void add_dashboard_command(CLI::App& app, ExitCode& exit);
void add_show_command(CLI::App& app, ExitCode& exit);

}  // namespace reprise::cli
