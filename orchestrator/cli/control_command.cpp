/// What people may ask of a running coordinator: pause, resume, drain, cancel, retry, prioritise,
/// add.

#include <boost/json.hpp>
#include <cstdio>

#include "orchestrator/cli/operations_commands.h"
#include "orchestrator/cli/prepare.h"
#include "orchestrator/cli/study_options.h"
#include "orchestrator/client.h"
#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct ControlFlags {
  std::string workspace = "workspace";
  std::vector<std::string> stages;
  std::string trial, study, file;
  int priority = 0;
};

json::object selection(const ControlFlags& flags) {
  json::object body;
  if (!flags.stages.empty()) body["stages"] = json::array(flags.stages.begin(), flags.stages.end());
  if (!flags.trial.empty()) body["trial"] = flags.trial;
  if (!flags.study.empty()) body["study"] = flags.study;
  return body;
}

int act(const ControlFlags& flags, const std::string& name, const char* said, json::object body) {
  const Client client{fs::path(flags.workspace)};
  client.post("/api/actions/" + name, std::move(body));
  std::printf("%s\n", said);
  return 0;
}

/// Imports what is missing here, so that the coordinator goes on meanwhile; then hands over the
/// text.
int add_study(const ControlFlags& flags) {
  const Client client{fs::path(flags.workspace)};
  const std::string text = read_file(flags.file);
  const fs::path workspace = fs::absolute(flags.workspace).lexically_normal();
  // Read as the coordinator will: without the file's own folder.
  const sweep::Study study = sweep::parse_study(text, workspace / fs::path(flags.file).filename());
  for (const sweep::DatasetSpec& spec : study.datasets) prepare_dataset(spec, workspace);
  const json::object answer = client.post("/api/actions/add-study", {{"text", text}});
  std::printf("added study %s\n", json::value_to<std::string>(answer.at("study")).c_str());
  return 0;
}

CLI::App* add(CLI::App& app, const std::shared_ptr<ControlFlags>& flags, const char* name,
              const char* help) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("-w,--workspace", flags->workspace, "Folder in which the coordinator runs")
      ->capture_default_str();
  return command;
}

void add_selection(CLI::App& command, const std::shared_ptr<ControlFlags>& flags) {
  command.add_option("stages", flags->stages,
                     "Ids of stages, or beginnings of at least 6 digits (reprise status lists "
                     "them)");
  command.add_option("--trial", flags->trial, "The stages that only this trial needs");
  command.add_option("--study", flags->study, "All stages of a study, by its name");
}

}  // namespace

void add_control_commands(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<ControlFlags>();
  const auto simple = [&](const char* name, const char* help, const char* said) {
    add(app, flags, name, help)->callback([flags, name, said, &exit] {
      exit.value = act(*flags, name, said, {});
    });
  };
  simple("pause", "Let a running coordinator start no stage; what runs goes on",
         "paused: reprise resume takes it back");
  simple("resume", "Take back a pause or a drain", "resumed");
  simple("drain", "Let what runs end, then end the run",
         "draining: what runs goes on, nothing else starts");
  const auto selecting = [&](const char* name, const char* help, const char* said) {
    CLI::App* command = add(app, flags, name, help);
    add_selection(*command, flags);
    command->callback(
        [flags, name, said, &exit] { exit.value = act(*flags, name, said, selection(*flags)); });
  };
  selecting("cancel", "Give stages up, and what needs them", "cancelled");
  selecting("retry", "Start failed, aborted and cancelled stages over", "retrying");
  CLI::App* prioritise =
      add(app, flags, "prioritise", "Run stages, and what they need, before or after others");
  prioritise->add_option("priority", flags->priority, "Higher goes first; 0 is the default")
      ->required()
      ->check(CLI::Range(-1000, 1000));
  add_selection(*prioritise, flags);
  prioritise->callback([flags, &exit] {
    json::object body = selection(*flags);
    body["priority"] = flags->priority;
    exit.value = act(*flags, "prioritise", "prioritised", std::move(body));
  });
  CLI::App* added =
      add(app, flags, "add", "Add a study to a running coordinator; stages that it has are shared");
  added
      ->add_option("study", flags->file,
                   "A study file that stands alone: no includes, absolute paths")
      ->required();
  added->callback([flags, &exit] { exit.value = add_study(*flags); });
}

}  // namespace reprise::cli
