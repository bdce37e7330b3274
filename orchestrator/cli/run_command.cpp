#include <unistd.h>

#include <cstdio>

#include "dashboards/render.h"
#include "dashboards/table.h"
#include "datasets_h5/dataset_file.h"
#include "db/store.h"
#include "orchestrator/cli/allocation.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/launch_flags.h"
#include "orchestrator/cli/prepare.h"
#include "orchestrator/cli/progress.h"
#include "orchestrator/cli/search_metrics.h"
#include "orchestrator/cli/search_progress.h"
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

/// A study that people add while the coordinator runs: its data sets must be imported already.
AddedStudy take_in(const std::string& text, const fs::path& workspace, db::Store& store) {
  const sweep::Study study = sweep::parse_study(text, workspace / "added-study.toml");
  sweep::require_weights(study);
  std::map<std::string, std::string> digests;
  std::map<std::string, sweep::DatasetFacts> facts;
  AddedStudy added;
  for (const sweep::DatasetSpec& spec : study.datasets) {
    PreparedDataset found;
    if (!find_dataset(spec, workspace, found)) {
      throw_invalid("data set " + spec.name + ": is not imported: use reprise add, which does");
    }
    digests[spec.name] = found.digest;
    added.datasets[spec.name] = found.path;
    facts[spec.name] = facts_of(datasets::info(found.path));
    store.put_dataset(spec.name, found.digest, found.path.lexically_relative(workspace).string(),
                      dataset_facts(found.path, spec.recipe()));
  }
  sweep::check_datasets(study, facts);
  check_search_metrics(study, workspace);
  added.plan = std::make_shared<const sweep::Plan>(sweep::make_plan(study, digests));
  store.put_plan(*added.plan, study.text);
  return added;
}

int run(const RunFlags& flags) {
  sweep::Study study = load(flags.study);
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
  sweep::Plan plan = sweep::make_plan(study, digests);
  sweep::Observations known;  // Of a search: it only grows, and with it the trials.
  const auto learn = [&](Missing missing) {
    const std::size_t before = known.size();
    known.merge(observe(store, study, plan, missing));
    if (known.size() == before) return false;
    study = load(flags.study, known);
    plan = sweep::make_plan(study, digests);
    return true;
  };
  std::vector<std::shared_ptr<const sweep::Plan>> more;
  bool failed = false;
  do {
    while (learn(Missing::Unknown)) {
    }
    store.put_plan(plan, study.text);
    // After the plan was put, so that the database is there; over its own connection.
    dashboards::web::Site site(workspace, /*live=*/true);
    options.site = site_routes(site);
    options.add_study = [&](const std::string& text) {
      const AddedStudy added = take_in(text, workspace, store);
      more.push_back(added.plan);
      return added;
    };
    const RunOutcome outcome = run_plan(lock, store, plan, paths, options, progress);
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
  } while (learn(Missing::Lost));
  print_tables(store, plan);
  for (const auto& added : more) print_tables(store, *added);
  for (const sweep::StudySearch& search : study.searches) {
    if (const auto best = best_of(search, study, known))
      std::printf("\n%s\n", printable(*best).c_str());
  }
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
