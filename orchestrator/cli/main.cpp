/// `reprise`: the program's front door. Parses the command line, runs one command, turns every
/// error into one line and an exit code.

#include <cstdio>
#include <new>

#include "datasets_h5/cli.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/operations_commands.h"
#include "sweep/error.h"
#include "sweep/nearest.h"
#include "sweep/printable.h"

namespace {

constexpr const char* kFooter = R"(
Exit codes: 0 done; 1 a bug; 2 wrong arguments or study; 3 damaged data; 4 some stages failed;
5 the environment (port, lock, disk, packages); 6 out of memory or disk; 130 interrupted.

Start here:  reprise run studies/quick.toml)";

int report(int code, const std::string& text) {
  (void)std::fprintf(stderr, "reprise: error: %s\n", reprise::printable(text).c_str());
  return code;
}

/// CLI11 reports an unknown subcommand as an unexpected argument; name the nearest one instead.
int report_parse_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (error.get_exit_code() == 0) return app.exit(error);
  std::string text = error.what();
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (argc > 1 && argv[1][0] != '-' &&
      std::find(names.begin(), names.end(), argv[1]) == names.end()) {
    text = "unknown command \"" + std::string(argv[1]) + "\"" +
           reprise::sweep::nearest_hint(argv[1], names);
  }
  return report(2, text + " (see reprise --help)");
}

int run(int argc, char** argv) {
  CLI::App app{
      "Reprise runs a paper's sweep: every distinct step once, over all GPUs, and "
      "regenerates its tables from the database."};
  app.name("reprise");
  app.footer(kFooter);
  app.require_subcommand(1);
  reprise::cli::ExitCode exit;
  reprise::cli::add_run_command(app, exit);
  reprise::cli::add_plan_command(app, exit);
  reprise::cli::add_status_command(app, exit);
  reprise::cli::add_table_command(app, exit);
  reprise::cli::add_compare_command(app, exit);
  reprise::cli::add_figure_command(app, exit);
  reprise::cli::add_report_command(app, exit);
  reprise::cli::add_query_command(app, exit);
  reprise::cli::add_submit_command(app, exit);
  reprise::cli::add_control_commands(app, exit);
  reprise::cli::add_logs_command(app, exit);
  reprise::cli::add_doctor_command(app, exit);
  reprise::cli::add_gc_command(app, exit);
  reprise::cli::add_db_command(app, exit);
  reprise::cli::add_models_command(app);
  reprise::cli::add_infer_command(app);
  reprise::cli::add_export_command(app);
  reprise::cli::add_worker_commands(app);
  reprise::cli::add_dashboard_command(app, exit);
  reprise::cli::add_show_command(app, exit);
  reprise::datasets::add_data_commands(
      *app.add_subcommand("data", "Make, import, check and describe data sets"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_parse_error(app, error, argc, argv);
  }
  return exit.value;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const reprise::Error& error) {
    return report(static_cast<int>(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return report(6, "out of memory");
  } catch (const std::exception& error) {
    return report(1, std::string("this is a bug in Reprise: ") + error.what());
  }
}
