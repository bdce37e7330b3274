/// Commands that need LibTorch: this program becomes the sibling `reprise-worker`.

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/results_export.h"
#include "orchestrator/cli/study_options.h"
#include "sweep/error.h"

namespace reprise::cli {
namespace {

/// Replaces this process. Errors: Unavailable.
[[noreturn]] void become_worker(std::vector<std::string> arguments) {
  const auto binary =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "reprise-worker";
  arguments.insert(arguments.begin(), "reprise-worker");
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(binary.c_str(), argv.data());
  throw Error(ErrorCode::Unavailable, binary.string() + ": cannot start: " + std::strerror(errno));
}

/// Everything behind the command's name goes to the worker program, `--help` too.
void forward(CLI::App& app, const std::string& name, const std::string& help,
             const std::vector<std::string>& prefix) {
  CLI::App* command = app.add_subcommand(name, help);
  command->prefix_command();
  command->set_help_flag();
  command->callback([command, prefix] {
    std::vector<std::string> arguments = prefix;
    for (std::string& argument : command->remaining()) arguments.push_back(std::move(argument));
    become_worker(std::move(arguments));
  });
}

/// `export FILE.csv` is answered here, `export STAGE` by the worker program, which knows weights.
void add_export(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "export", "Write all results (FILE.csv, FILE.json), or a stage's weights with a model card");
  command->prefix_command();
  command->set_help_flag();
  command->callback([command] {
    std::vector<std::string> arguments = command->remaining();
    const auto file = std::find_if(arguments.begin(), arguments.end(), is_results_file);
    if (file == arguments.end()) {
      arguments.insert(arguments.begin(), "export");
      become_worker(std::move(arguments));
    }
    StudyOptions options;
    std::string target;
    CLI::App results{"One row a measured value", "reprise export"};
    results.add_option("file", target, "FILE.csv or FILE.json")->required();
    add_workspace_options(results, options);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first.
    results.parse(arguments);
    export_results(database_path(options), target);
  });
}

}  // namespace

void add_worker_commands(CLI::App& app) {
  forward(app, "worker", "One rank of a gang (started by the launcher; see reprise worker --help)",
          {});
  forward(app, "golden", "Check recorded outputs of the official PyTorch code in a folder",
          {"golden"});
  forward(app, "infer", "Super-resolve a NIfTI volume with the weights of a stage or a file",
          {"infer"});
  add_export(app);
}

}  // namespace reprise::cli
