#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "orchestrator/cli/commands.h"
#include "sweep/error.h"

namespace reprise::cli {

void add_worker_command(CLI::App& app, ExitCode& exit) {
  CLI::App* command = app.add_subcommand(
      "worker", "One rank of a gang (started by the launcher; see reprise worker --help)");
  command->prefix_command();
  command->set_help_flag();
  command->callback([command, &exit] {
    // The worker loads LibTorch and MPI; this program does not, so it becomes the other one.
    const auto binary =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "reprise-worker";
    std::vector<std::string> arguments = command->remaining();
    std::vector<char*> argv;
    std::string name = "reprise-worker";
    argv.push_back(name.data());
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(binary.c_str(), argv.data());
    exit.value = static_cast<int>(ErrorCode::Unavailable);
    throw Error(ErrorCode::Unavailable,
                binary.string() + ": cannot start: " + std::strerror(errno));
  });
}

}  // namespace reprise::cli
