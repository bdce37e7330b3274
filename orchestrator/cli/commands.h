#pragma once
/// The subcommands of `reprise`, each mounted on the command line by one function and each ending
/// with an exit code (sweep/error.h, docs/cli.md).

#include <CLI/CLI.hpp>

namespace reprise::cli {

/// Set by the command that ran; the program's exit code.
struct ExitCode {
  int value = 0;
};

void add_run_command(CLI::App& app, ExitCode& exit);
void add_plan_command(CLI::App& app, ExitCode& exit);
void add_status_command(CLI::App& app, ExitCode& exit);
void add_table_command(CLI::App& app, ExitCode& exit);
void add_submit_command(CLI::App& app, ExitCode& exit);
void add_models_command(CLI::App& app);
void add_worker_commands(CLI::App& app);
void add_dashboard_command(CLI::App& app, ExitCode& exit);
void add_show_command(CLI::App& app, ExitCode& exit);

}  // namespace reprise::cli
