/// `reprise dashboard`: the site over a database, when nothing runs.

#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/site.h"
#include "orchestrator/coordinator_file.h"
#include "orchestrator/site_server.h"

namespace reprise::cli {
namespace {

struct DashboardFlags {
  std::string workspace = "workspace";
  std::string bind = "127.0.0.1";
  int port = 0;
  bool view = false, offline = false;
};

/// The coordinator that runs in the workspace, if one does.
std::optional<CoordinatorAddress> running_coordinator(const DashboardFlags& flags) {
  const std::filesystem::path workspace = flags.workspace;
  if (flags.offline || !std::filesystem::exists(workspace / "coordinator.json")) return {};
  CoordinatorAddress address = read_coordinator_file(workspace);
  // A killed coordinator leaves its file behind.
  if (::kill(address.pid, 0) != 0 && errno == ESRCH) return {};
  return address;
}

/// The address on stdout, and on stderr what whoever has it can do.
void tell(const CoordinatorAddress& address, const std::string& token, const char* what_for) {
  std::printf("%s/?token=%s\n", base_url(address).c_str(), token.c_str());
  (void)std::fflush(stdout);
  (void)std::fprintf(stderr, "%s\n", what_for);
  if (address.fingerprint.empty()) return;
  // No authority vouches for our certificate: the person compares it once.
  (void)std::fprintf(stderr, "The browser will warn once. The certificate's SHA-256 must be %s\n",
                     address.fingerprint.c_str());
}

void serve_dashboard(const DashboardFlags& flags) {
  if (const auto address = running_coordinator(flags)) {
    tell(*address, flags.view ? address->view_token : address->token,
         flags.view ? "A sweep runs here and serves its own dashboard: open this address. Whoever "
                      "has it can look."
                    : "A sweep runs here and serves its own dashboard: open this address. Whoever "
                      "has it can act on the sweep; --view gives one to share.");
    return;
  }
  dashboards::web::Site site(std::filesystem::absolute(flags.workspace).lexically_normal(),
                             /*live=*/false);
  SiteServerOptions options;
  options.workspace = flags.workspace;
  options.bind = flags.bind;
  options.port = flags.port;
  options.site = site_routes(site);
  options.revision = [&site] { return site.revision(); };
  options.ready = [](const CoordinatorAddress& address) {
    tell(address, address.view_token,
         "Open this address in a browser; Ctrl-C ends it. Whoever has it can look, nobody can "
         "change anything.");
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
