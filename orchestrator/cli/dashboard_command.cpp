/// `reprise dashboard`: the site over a database, when nothing runs.

#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/site.h"
#include "orchestrator/site_server.h"
#include "orchestrator/workspace.h"

namespace reprise::cli {
namespace {

struct DashboardFlags {
  std::string workspace = "workspace";
  std::string bind = "127.0.0.1";
  int port = 0;
  bool view = false, offline = false;
};

/// The address of the coordinator that runs in the workspace, if one does.
std::optional<std::string> running_address(const DashboardFlags& flags) {
  const std::filesystem::path workspace = flags.workspace;
  if (flags.offline || !std::filesystem::exists(workspace / "coordinator.json")) return {};
  const CoordinatorAddress address = read_coordinator_file(workspace);
  // A killed coordinator leaves its file behind.
  if (::kill(address.pid, 0) != 0 && errno == ESRCH) return {};
  return "http://" + address.host + ":" + std::to_string(address.port) +
         "/?token=" + (flags.view ? address.view_token : address.token);
}

void serve_dashboard(const DashboardFlags& flags) {
  if (const auto address = running_address(flags)) {
    std::printf("%s\n", address->c_str());
    (void)std::fprintf(
        stderr, "A sweep runs here and serves its own dashboard: open this address. %s\n",
        flags.view ? "Whoever has it can look."
                   : "Whoever has it can act on the sweep; --view gives one to share.");
    return;
  }
  dashboards::web::Site site(std::filesystem::absolute(flags.workspace).lexically_normal(),
                             /*live=*/false);
  SiteServerOptions options;
  options.bind = flags.bind;
  options.port = flags.port;
  options.site = site_routes(site);
  options.revision = [&site] { return site.revision(); };
  options.ready = [&flags](int port, const std::string& token) {
    std::printf("http://%s:%d/?token=%s\n", flags.bind.c_str(), port, token.c_str());
    (void)std::fflush(stdout);
    (void)std::fprintf(stderr,
                       "Open this address in a browser; Ctrl-C ends it. Whoever has it can "
                       "look, nobody can change anything.\n");
  };
  serve_site(options);
}

}  // namespace

void add_dashboard_command(CLI::App& app, ExitCode& /*exit*/) {
  auto flags = std::make_shared<DashboardFlags>();
  CLI::App* command =
      app.add_subcommand("dashboard", "Serve the dashboard over a workspace's database, read only");
  command
      ->add_option("-w,--workspace", flags->workspace,
                   "Folder of the database, data sets, checkpoints and weights")
      ->capture_default_str();
  command->add_option("--bind", flags->bind, "Address to listen on")->capture_default_str();
  command->add_option("--port", flags->port, "Port (default: a free one)")
      ->check(CLI::Range(0, 65535));
  command->add_flag("--view", flags->view, "While a sweep runs: the address that can only look");
  command->add_flag("--offline", flags->offline, "Serve the database even while a sweep runs");
  command->footer(
      "A running `reprise run` serves the same pages itself, live and with actions: then this "
      "command "
      "only prints their address.");
  command->callback([flags] { serve_dashboard(*flags); });
}

}  // namespace reprise::cli
