/// Commands that need LibTorch: this program becomes the sibling `reprise-worker`.

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "orchestrator/cli/become_worker.h"
#include "orchestrator/cli/commands.h"
#include "sweep/error.h"

namespace reprise::cli {

void become_worker(std::vector<std::string> arguments) {
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

namespace {

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

}  // namespace

void add_worker_commands(CLI::App& app) {
  forward(app, "worker", "One rank of a gang (started by the launcher; see reprise worker --help)",
          {});
  forward(app, "golden", "Check recorded outputs of the official PyTorch code in a folder",
          {"golden"});
}

}  // namespace reprise::cli
