/// `reprise doctor`: is this machine fit for a run, and what is to be done where it is not.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "datasets_h5/dataset_file.h"
#include "datasets_h5/library.h"
#include "db/store.h"
#include "orchestrator/cli/launch_flags.h"
#include "orchestrator/cli/operations_commands.h"
#include "orchestrator/doctor.h"
#include "sweep/error.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

struct DoctorFlags {
  std::string workspace = "workspace", worker, bind = "127.0.0.1";
  int port = 0;
  bool json = false;
};

/// HDF5 in use: the data sets that the workspace has.
void add_datasets(const fs::path& workspace, std::vector<Finding>& findings) {
  const fs::path file = workspace / "reprise.db";
  if (!fs::exists(file)) {
    findings.push_back({"HDF5", Health::Ok,
                        datasets::library_version() + "; the workspace has no data set yet", ""});
    return;
  }
  try {
    const db::Store store(file, db::Access::ReadOnly);
    std::size_t count = 0;
    for (const db::DatasetRow& row : store.datasets()) {
      const datasets::DatasetInfo info = datasets::info(workspace / row.path);
      ++count;
      if (info.digest == row.digest) continue;
      findings.push_back({"HDF5", Health::Bad, row.path + ": is not the data set " + row.name,
                          "remove the file and run the study again: it is imported anew"});
    }
    findings.push_back({"HDF5", Health::Ok,
                        fmt::format("{}; {} data set(s) of the workspace open",
                                    datasets::library_version(), count),
                        ""});
  } catch (const Error& error) {
    findings.push_back(
        {"HDF5", Health::Bad, error.what(),
         "reprise db check looks at the database, reprise data check at a data set"});
  }
}

void print(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    std::printf("%-8s %-14s %s\n", std::string(to_string(finding.health)).c_str(),
                finding.subject.c_str(), finding.text.c_str());
    if (!finding.fix.empty()) std::printf("%-8s %-14s -> %s\n", "", "", finding.fix.c_str());
  }
}

int run(const DoctorFlags& flags) {
  DoctorOptions options;
  options.workspace = flags.workspace;
  options.worker_binary = flags.worker.empty() ? own_binary().parent_path() / "reprise-worker"
                                               : fs::absolute(flags.worker);
  options.bind = flags.bind;
  options.port = flags.port;
  std::vector<Finding> findings = examine(options);
  add_datasets(flags.workspace, findings);
  if (flags.json) {
    boost::json::array list;
    for (const Finding& finding : findings) {
      list.push_back({{"subject", finding.subject},
                      {"health", to_string(finding.health)},
                      {"text", finding.text},
                      {"fix", finding.fix}});
    }
    std::printf("%s\n", boost::json::serialize(list).c_str());
  } else {
    print(findings);
  }
  const bool bad = std::any_of(findings.begin(), findings.end(),
                               [](const Finding& f) { return f.health == Health::Bad; });
  return bad ? static_cast<int>(ErrorCode::Unavailable) : 0;
}

}  // namespace

void add_doctor_command(CLI::App& app, ExitCode& exit) {
  auto flags = std::make_shared<DoctorFlags>();
  CLI::App* command = app.add_subcommand(
      "doctor",
      "Try MPI, GPU, NCCL, HDF5, disk, ports and Slurm, and say what to fix; exit code 5 if "
      "something is broken");
  command->add_option("-w,--workspace", flags->workspace, "The folder that runs would use")
      ->capture_default_str();
  command->add_option("--worker", flags->worker,
                      "Program of a rank (default: reprise-worker beside this program)");
  command->add_option("--bind", flags->bind, "Address that a coordinator would listen on")
      ->capture_default_str();
  command->add_option("--port", flags->port, "Port that it would listen on (0: a free one)")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "A JSON list instead of text");
  command->callback([flags, &exit] { exit.value = run(*flags); });
}

}  // namespace reprise::cli
