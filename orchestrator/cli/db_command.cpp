/// `reprise db`: looks after the results database.

#include <cstdio>

#include "db/maintenance.h"
#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/study_options.h"
#include "orchestrator/cli/units.h"
#include "orchestrator/workspace.h"
#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/printable.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

struct DbFlags {
  std::string workspace = "workspace";
  std::string to;
};

fs::path database(const DbFlags& flags) {
  fs::path file = fs::path(flags.workspace) / "reprise.db";
  if (!fs::exists(file)) {
    throw_invalid(file.string() + ": no database yet; fill it with: reprise run STUDY -w " +
                  flags.workspace);
  }
  return file;
}

int run_backup(const DbFlags& flags) {
  db::backup(database(flags), flags.to);
  std::printf("%s  %s  %s\n", sha256_file(flags.to).c_str(),
              bytes_text(fs::file_size(flags.to)).c_str(), flags.to.c_str());
  return 0;
}

int run_check(const DbFlags& flags) {
  const db::CheckReport report = db::check(database(flags));
  for (const std::string& problem : report.problems)
    std::printf("%s\n", printable(problem).c_str());
  if (report.problems.empty()) {
    std::printf("sound: %lld results match their hashes\n", static_cast<long long>(report.results));
    return 0;
  }
  std::printf("%zu problem(s): restore a backup, or delete the named results and run again\n",
              report.problems.size());
  return static_cast<int>(ErrorCode::Corrupt);
}

int run_vacuum(const DbFlags& flags) {
  const fs::path file = database(flags);
  const WorkspaceLock lock(flags.workspace);
  const db::VacuumReport report = db::vacuum(file);
  std::printf("%s -> %s\n", bytes_text(report.bytes_before).c_str(),
              bytes_text(report.bytes_after).c_str());
  return 0;
}

}  // namespace

void add_db_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<DbFlags>();
  CLI::App* group = app.add_subcommand("db", "Back up, check or shrink the results database");
  group->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*run)(const DbFlags&)) {
    CLI::App* command = group->add_subcommand(name, help);
    command->add_option("-w,--workspace", flags->workspace, "The database's folder")
        ->capture_default_str();
    command->callback([flags, run, &exit] { exit.value = run(*flags); });
    return command;
  };
  add("backup", "Copy one consistent state to FILE, also while a study runs; prints its SHA-256",
      run_backup)
      ->add_option("file", flags->to, "The copy; must not be there yet")
      ->required();
  add("check", "Check the file, every result's hash, its rows and its attempt", run_check);
  add("vacuum", "Give unused pages back to the disk; no study may run meanwhile", run_vacuum);
}

}  // namespace reprise::cli
