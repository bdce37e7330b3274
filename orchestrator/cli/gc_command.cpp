/// `reprise gc`: deletes what no result needs.

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/opened_study.h"
#include "orchestrator/cli/units.h"
#include "orchestrator/garbage.h"
#include "orchestrator/workspace.h"
#include "sweep/printable.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

struct GcFlags {
  std::string workspace = "workspace";
  int hours = 24;
  bool yes = false;
};

int collect(const GcFlags& flags) {
  const fs::path workspace = fs::absolute(flags.workspace).lexically_normal();
  const auto store = require_store(workspace);
  std::optional<WorkspaceLock> lock;  // No coordinator may run: it hands out what is deleted.
  if (flags.yes) lock.emplace(workspace);
  std::uintmax_t bytes = 0;
  std::size_t count = 0;
  for (const Garbage& garbage : find_garbage(*store, workspace, std::chrono::hours(flags.hours))) {
    if (flags.yes) remove_garbage(garbage, workspace);
    std::printf("%10s  %s: %s\n", bytes_text(garbage.bytes).c_str(),
                printable(garbage.path.lexically_relative(workspace).string()).c_str(),
                garbage.why.c_str());
    bytes += garbage.bytes;
    ++count;
  }
  const std::string sum = fmt::format("{} in {} place(s)", bytes_text(bytes), count);
  if (count == 0) {
    std::printf("nothing to delete\n");
  } else if (flags.yes) {
    std::printf("deleted %s\n", sum.c_str());
  } else {
    std::printf("would delete %s; reprise gc --yes does\n", sum.c_str());
  }
  return 0;
}

}  // namespace

void add_gc_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<GcFlags>();
  CLI::App* command = app.add_subcommand(
      "gc",
      "List what no result needs: checkpoints of finished stages, weights that no result names, "
      "what writers that died left; --yes deletes it");
  command->add_option("-w,--workspace", flags->workspace, "The folder to tidy up")
      ->capture_default_str();
  command->add_flag("--yes", flags->yes, "Delete it (no coordinator may run meanwhile)");
  command
      ->add_option("--untouched", flags->hours,
                   "Hours for which weights, unknown checkpoints and remains must have lain still")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  command->callback([flags, &exit] { exit.value = collect(*flags); });
}

}  // namespace reprise::cli
