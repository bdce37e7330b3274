#include <unistd.h>

#include <cstdio>

#include "dashboards/render.h"
#include "dashboards/table.h"
#include "datasets_h5/dataset_file.h"
#include "db/store.h"
#include "orchestrator/cli/allocation.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/growing_study.h"
#include "orchestrator/cli/launch_flags.h"
#include "orchestrator/cli/prepare.h"
#include "orchestrator/cli/progress.h"
#include "orchestrator/cli/search_metrics.h"
#include "orchestrator/cli/site.h"
#include "orchestrator/cli/study_options.h"
#include "orchestrator/coordinator.h"
#include "orchestrator/event_log.h"
#include "sweep/check_study.h"
#include "sweep/error.h"
#include "sweep/printable.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

struct RunFlags {
  StudyOptions study;
  LaunchFlags launch;
  std::string launcher = "local";
  int port = 0;
  bool plain = false;
};

sweep::DatasetFacts facts_of(const datasets::DatasetInfo& info) {
  return {.channels = info.channels, .classes = static_cast<std::int64_t>(info.label_names.size())};
}

std::map<std::string, PreparedDataset> prepare_all(const sweep::Study& study,
                                                   const fs::path& workspace, Observer& progress) {
  std::map<std::string, PreparedDataset> prepared;
  std::map<std::string, sweep::DatasetFacts> facts;
  for (const sweep::DatasetSpec& spec : study.datasets) {
    PreparedDataset found;
    const bool there = find_dataset(spec, workspace, found);
    if (!there) progress.on_note("importing data set " + spec.name);
    prepared[spec.name] = there ? found : prepare_dataset(spec, workspace);
    const datasets::DatasetInfo info = datasets::info(prepared[spec.name].path);
    progress.on_note("data set " + spec.name + ": " + std::to_string(info.count) + " slices of " +
                     std::to_string(info.height) + "x" + std::to_string(info.width) + " from " +
                     std::to_string(info.subjects.size()) + " volumes");
    facts[spec.name] = facts_of(info);
  }
  sweep::check_datasets(study, facts);
  return prepared;
}

void print_tables(const db::Store& store, const sweep::Plan& plan) {
  for (const sweep::TableSpec& spec : plan.tables) {
    const dashboards::Table table = dashboards::build_table(store, spec, plan);
    std::printf("\n%s", dashboards::render(table, dashboards::Format::Markdown, false).c_str());
  }
}

void print_best(const GrowingStudy& study) {
  for (const sweep::StudySearch& search : study.study().searches) {
    if (const auto best = best_of(search, study.study(), study.known())) {
      std::printf("\n%s\n", printable(*best).c_str());
    }
  }
}

/// A study that people add while the coordinator runs: its data sets must be imported already.
GrowingStudy take_in(const std::string& text, const fs::path& workspace, db::Store& store) {
  const auto read = [text, workspace](const sweep::Observations& known) {
    return sweep::parse_study(text, workspace / "added-study.toml", known);
  };
  const sweep::Study study = read({});
  sweep::require_weights(study);
  std::map<std::string, std::string> digests;
  std::map<std::string, fs::path> paths;
  std::map<std::string, sweep::DatasetFacts> facts;
  for (const sweep::DatasetSpec& spec : study.datasets) {
    PreparedDataset found;
    if (!find_dataset(spec, workspace, found)) {
      throw_invalid(spec.place.text() + ": data set " + spec.name +
                    ": is not imported: use reprise add, which does");
    }
    digests[spec.name] = found.digest;
    paths[spec.name] = found.path;
    facts[spec.name] = facts_of(datasets::info(found.path));
    store.put_dataset(spec.name, found.digest, found.path.lexically_relative(workspace).string(),
                      dataset_facts(found.path, spec.recipe()));
  }
  sweep::check_datasets(study, facts);
  check_search_metrics(study, workspace);
  return {read, std::move(digests), std::move(paths)};
}

/// Those that know more now than before, with what follows from it.
std::vector<AddedStudy> grown(std::vector<GrowingStudy>& studies, db::Store& store) {
  std::vector<AddedStudy> more;
  for (GrowingStudy& study : studies) {
    const std::size_t stages = study.plan().stages.size();
    if (!study.learn(store, Missing::Unknown) || study.plan().stages.size() == stages) continue;
    study.put(store);
    more.push_back(study.added());
  }
  return more;
}

int run(const RunFlags& flags) {
  const sweep::Study study = load(flags.study);
  sweep::require_weights(study);
  const LauncherKind launcher = launcher_kind_from(flags.launcher);
  const fs::path workspace = fs::absolute(flags.study.workspace);
  std::error_code error;
  fs::create_directories(workspace, error);
  if (error) {
    throw Error(ErrorCode::Unavailable,
                "--workspace " + workspace.string() + ": cannot create: " + error.message());
  }
  // Taken before anything is written, so that a second coordinator changes nothing.
  const WorkspaceLock lock(workspace);
  Progress display(!flags.plain && ::isatty(STDERR_FILENO) == 1);
  EventLog progress(workspace, display);
  const auto prepared = prepare_all(study, workspace, progress);
  check_search_metrics(study, workspace);  // Exactly: all data sets are there now.

  std::map<std::string, std::string> digests;
  std::map<std::string, fs::path> paths;
  db::Store store(database_path(flags.study), db::Access::ReadWrite);
  for (const auto& [name, dataset] : prepared) {
    digests[name] = dataset.digest;
    paths[name] = dataset.path;
    store.put_dataset(name, dataset.digest, dataset.path.lexically_relative(workspace).string(),
                      dataset_facts(dataset.path, study.dataset(name).recipe()));
  }
  RunOptions options = run_options(flags.launch, launcher);
  options.workspace = workspace;
  options.port = flags.port;
  // The first is the one that was asked for; people may add others.
  std::vector<GrowingStudy> studies;
  studies.emplace_back([&](const sweep::Observations& known) { return load(flags.study, known); },
                       std::move(digests), std::move(paths));
  options.grown = [&] { return grown(studies, store); };
  bool failed = false;
  bool goes_on = true;
  while (goes_on) {
    options.beside.clear();
    for (GrowingStudy& each : studies) {
      (void)each.learn(store, Missing::Unknown);
      each.put(store);
      if (&each != &studies.front()) options.beside.push_back(each.added());
    }
    // After the plans were put, so that the database is there; over its own connection.
    dashboards::web::Site site(workspace, /*live=*/true);
    options.site = site_routes(site);
    options.add_study = [&](const std::string& text) {
      GrowingStudy added = take_in(text, workspace, store);
      (void)added.learn(store, Missing::Unknown);
      added.put(store);
      const std::string& name = added.study().name;
      std::erase_if(studies, [&](const GrowingStudy& each) {
        return &each != &studies.front() && each.study().name == name;
      });
      return studies.emplace_back(std::move(added)).added();
    };
    const AddedStudy first = studies.front().added();
    const RunOutcome outcome =
        run_plan(lock, store, *first.plan, first.datasets, options, progress);
    progress.on_note(std::to_string(outcome.done - outcome.reused) + " stages run, " +
                     std::to_string(outcome.reused) + " already in the database, " +
                     std::to_string(outcome.failed) + " failed, " +
                     std::to_string(outcome.aborted) + " not run because of a failure");
    if (outcome.interrupted) {
      progress.on_note("interrupted: the same command goes on from here");
      leave_allocation(outcome, [&](const std::string& line) { progress.on_note(line); });
      return 130;
    }
    failed = failed || outcome.failed + outcome.aborted > 0;
    goes_on = false;
    for (GrowingStudy& each : studies) goes_on = each.learn(store, Missing::Lost) || goes_on;
  }
  for (const GrowingStudy& each : studies) print_tables(store, each.plan());
  for (const GrowingStudy& each : studies) print_best(each);
  return failed ? static_cast<int>(ErrorCode::TrialFailed) : 0;
}

}  // namespace

void add_run_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* command =
      app.add_subcommand("run", "Run what a study still needs, then print its tables");
  add_study_options(*command, flags->study);
  add_launch_options(*command, flags->launch);
  command
      ->add_option("--launcher", flags->launcher,
                   "local: mpirun on this machine; srun: steps of this Slurm allocation; slurm: a "
                   "job for each gang")
      ->capture_default_str();
  command->add_option("--port", flags->port, "Port of the coordinator (default: a free one)")
      ->check(CLI::Range(0, 65535));
  command->add_flag("--plain", flags->plain, "Plain lines instead of a live display");
  command->callback([flags, &exit] { exit.value = run(*flags); });
}

}  // namespace reprise::cli
