/// `reprise logs`: what the gangs wrote while they worked on a stage.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "orchestrator/cli/opened_study.h"
#include "orchestrator/cli/operations_commands.h"
#include "orchestrator/client.h"
#include "orchestrator/launcher.h"
#include "orchestrator/stage_log.h"
#include "sweep/error.h"
#include "sweep/nearest.h"
#include "sweep/printable.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kPause{200};
constexpr std::size_t kPrefixMin = 6;

struct LogFlags {
  std::string workspace = "workspace";
  std::string stage;
  bool follow = false, all = false;
};

/// By id, a beginning of it that fits one stage, or label.
std::string resolve(const db::Store& store, const std::string& wanted) {
  std::set<std::string> by_id;
  std::set<std::string> by_label;
  std::set<std::string> labels;
  for (const std::string& study : store.studies()) {
    const auto plan = store.plan(study);
    for (const sweep::Stage& stage : plan->stages) {
      if (wanted.size() >= kPrefixMin && stage.id.starts_with(wanted)) by_id.insert(stage.id);
      if (stage.label == wanted) by_label.insert(stage.id);
      labels.insert(stage.label);
    }
  }
  const auto& found = by_label.empty() ? by_id : by_label;
  if (found.size() == 1) return *found.begin();
  if (found.size() > 1) {
    throw_invalid("stage \"" + wanted + "\": fits " + std::to_string(found.size()) +
                  " stages: give its id (reprise status STUDY lists them)");
  }
  throw_invalid("stage \"" + wanted + "\": no stage of that id or label" +
                sweep::nearest_hint(wanted, std::vector(labels.begin(), labels.end())));
}

void print(const std::string& text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
  (void)std::fflush(stdout);
}

void print_head(const db::AttemptRow& attempt) {
  const std::string outcome = attempt.outcome.empty() ? "running" : attempt.outcome;
  print(printable(fmt::format("-- attempt under fence {} on {} ({}): {}{}", attempt.fence,
                              attempt.gang, attempt.host, outcome,
                              attempt.message.empty() ? "" : ": " + attempt.message)) +
        "\n");
}

int show(const LogFlags& flags) {
  const fs::path workspace = fs::absolute(flags.workspace).lexically_normal();
  const auto store = require_store(workspace);
  const std::string stage = resolve(*store, flags.stage);
  std::vector<db::AttemptRow> attempts = store->attempts(stage);
  if (!flags.all && attempts.size() > 1) attempts.erase(attempts.begin(), attempts.end() - 1);
  if (attempts.empty() && !flags.follow) {
    print("-- no attempt yet\n");
    return 0;
  }
  std::int64_t shown = 0;  // The latest fence whose part is complete.
  while (true) {
    for (const db::AttemptRow& attempt : attempts) {
      print_head(attempt);
      StageLog log(gang_log(workspace, attempt.gang), stage, attempt.fence);
      bool over = !attempt.outcome.empty() || !flags.follow;
      while (!over) {
        print(log.read(false));
        std::this_thread::sleep_for(kPause);
        const auto now = store->attempts(stage);
        over = std::any_of(now.begin(), now.end(), [&](const db::AttemptRow& row) {
          return row.fence == attempt.fence && !row.outcome.empty();
        });
        over = over || !is_held(workspace);
      }
      print(log.read(true));
      if (!log.begun()) print("-- nothing in " + gang_log(workspace, attempt.gang).string() + "\n");
      shown = attempt.fence;
    }
    if (!flags.follow || store->is_done(stage) || !is_held(workspace)) return 0;
    std::this_thread::sleep_for(kPause);
    attempts = store->attempts(stage);
    std::erase_if(attempts, [&](const db::AttemptRow& row) { return row.fence <= shown; });
  }
}

}  // namespace

void add_logs_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<LogFlags>();
  CLI::App* command =
      app.add_subcommand("logs", "Print what a stage's gang wrote while it worked on the stage");
  command->add_option("stage", flags->stage, "A stage's id, a beginning of it, or its label")
      ->required();
  command->add_option("-w,--workspace", flags->workspace, "Folder of the database and the logs")
      ->capture_default_str();
  command->add_flag("-f,--follow", flags->follow,
                    "Go on as it grows, over further attempts, until the stage is done or the "
                    "coordinator has left");
  command->add_flag("--all", flags->all, "Every attempt, not only the latest");
  command->callback([flags, &exit] { exit.value = show(*flags); });
}

}  // namespace reprise::cli
