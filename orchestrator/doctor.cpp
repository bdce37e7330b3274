#include "orchestrator/doctor.h"

#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <sstream>

#include "db/sqlite.h"
#include "orchestrator/child_process.h"
#include "orchestrator/client.h"
#include "orchestrator/doctor_network.h"
#include "orchestrator/workspace.h"
#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCommandMs = 30000;
constexpr std::uintmax_t kGiB = 1U << 30U;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

CommandEnd run(const std::vector<std::string>& words) {
  try {
    return run_command_line(words, kCommandMs);
  } catch (const Error& error) {
    return {.exit_code = 126, .timed_out = false, .output = error.what()};
  }
}

/// What the shell's 127 is: no such program.
bool is_missing(const CommandEnd& end) { return end.exit_code == 127; }

Finding mpi() {
  std::vector<std::string> words{"mpirun"};
  if (::geteuid() == 0) words.emplace_back("--allow-run-as-root");
  words.insert(words.end(), {"--oversubscribe", "--bind-to", "none", "-np", "2", "true"});
  const CommandEnd end = run(words);
  if (is_missing(end)) {
    return {"MPI", Health::Bad, "mpirun is not there", "apt-get install openmpi-bin"};
  }
  if (end.timed_out || end.exit_code != 0) {
    return {"MPI", Health::Bad,
            "two ranks do not start: " +
                (end.timed_out ? std::string("no end in 30 s") : first_line(end.output)),
            "try: mpirun -np 2 true; a firewall on the loopback device and a full /tmp or "
            "/dev/shm are the usual causes"};
  }
  return {"MPI", Health::Ok, first_line(run({"mpirun", "--version"}).output) + ", two ranks start",
          ""};
}

Finding worker(const fs::path& binary) {
  const CommandEnd end = run({binary, "--help"});
  if (is_missing(end)) {
    return {"worker", Health::Bad, binary.string() + " is not there", "build it: ./reprise setup"};
  }
  if (end.exit_code != 0) {
    return {"worker", Health::Bad, binary.string() + " does not start: " + first_line(end.output),
            "build it again: ./reprise setup"};
  }
  return {"worker", Health::Ok, binary.string() + " starts", ""};
}

/// The nearest folder that exists.
fs::path existing(fs::path folder) {
  std::error_code ignored;
  folder = fs::absolute(folder).lexically_normal();
  while (!fs::is_directory(folder, ignored) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  return folder;
}

Finding disk_space(const fs::path& folder) {
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) != 0) {
    return {"disk", Health::Bad, folder.string() + ": cannot look at it", "choose another -w"};
  }
  Finding finding = disk_from(static_cast<std::uintmax_t>(info.f_bavail) * info.f_frsize,
                              info.f_favail, info.f_files > 0);
  finding.text = folder.string() + ": " + finding.text;
  return finding;
}

/// Everything that a run does to its folder: an atomic file, a lock, a database with its log.
Finding folder_use(const fs::path& folder) {
  const fs::path place = folder / (".reprise-doctor-" + std::to_string(::getpid()));
  std::error_code ignored;
  Finding finding{"folder", Health::Ok, "", ""};
  try {
    const auto start = std::chrono::steady_clock::now();
    write_file_atomically(place / "file", "x");
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    {
      const WorkspaceLock lock(place);
      db::Connection connection(place / "test.db", db::Access::ReadWrite);
      connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(x)");
      const db::Connection reader(place / "test.db", db::Access::ReadOnly);
    }
    finding.text = folder.string() + ": files, locks and a database work; a durable write takes " +
                   std::to_string(std::lround(took.count())) + " ms";
    if (took.count() > 500) {
      finding.health = Health::Warning;
      finding.fix = "put the workspace on a faster disk: every transaction waits so long";
    }
  } catch (const Error& error) {
    finding.health = Health::Bad;
    finding.text = error.what();
    finding.fix =
        "choose a folder that you may write to, on a file system with working locks "
        "(some network file systems have none), with -w";
  }
  fs::remove_all(place, ignored);
  return finding;
}

Finding coordinator(const fs::path& workspace) {
  if (is_held(workspace)) {
    return {"coordinator", Health::Ok, "one runs in " + workspace.string(), ""};
  }
  std::error_code ignored;
  if (fs::exists(workspace / "coordinator.json", ignored)) {
    return {"coordinator", Health::Warning,
            "one was killed in " + workspace.string() + " and left its address",
            "give the same reprise run again: it goes on where that one ended"};
  }
  return {"coordinator", Health::Missing, "none runs in " + workspace.string(), ""};
}

Finding slurm() {
  const CommandEnd partitions = run({"sinfo", "-h", "-o", "%P %a %D"});
  if (is_missing(partitions)) return slurm_from(127, "", 127, "");
  const CommandEnd mpi_list = run({"srun", "--mpi=list"});
  return slurm_from(mpi_list.exit_code, mpi_list.output, partitions.exit_code, partitions.output);
}

}  // namespace

std::string_view to_string(Health health) {
  switch (health) {
    case Health::Ok:
      return "ok";
    case Health::Warning:
      return "warning";
    case Health::Bad:
      return "BAD";
    case Health::Missing:
      return "-";
  }
  return "unknown";
}

Finding gpus_from(int exit_code, const std::string& output) {
  if (exit_code == 127) {
    return {"GPU", Health::Missing, "no NVIDIA driver: runs use the CPU (--device cpu)", ""};
  }
  if (exit_code != 0) {
    return {"GPU", Health::Bad, "nvidia-smi: " + first_line(output),
            "a driver that was updated needs a restart; until then use --device cpu"};
  }
  const auto lines = lines_of(output);
  if (lines.empty()) {
    return {"GPU", Health::Missing, "a driver, but no GPU: runs use the CPU", ""};
  }
  std::string text = std::to_string(lines.size()) + ": " + lines.front();
  for (std::size_t i = 1; i < lines.size(); ++i) text += "; " + lines[i];
  return {"GPU", Health::Ok, text, ""};
}

std::vector<Finding> libraries_from(int exit_code, const std::string& output) {
  std::vector<Finding> findings;
  if (exit_code != 0) return findings;  // The worker's finding says it.
  std::string nccl;
  for (const std::string& line : lines_of(output)) {
    const std::size_t arrow = line.find(" => ");
    if (arrow == std::string::npos) continue;
    const std::string name = line.substr(line.find_first_not_of(" \t"), arrow - 1);
    if (line.find("not found", arrow) != std::string::npos) {
      findings.push_back({"libraries", Health::Bad, line.substr(line.find_first_not_of(" \t")),
                          "set up again: ./reprise setup (REPRISE_DEPS must be what it was)"});
    } else if (name.starts_with("libnccl")) {
      const std::size_t from = arrow + 4;
      nccl = line.substr(from, line.find(" (", from) - from);
    }
  }
  if (nccl.empty()) {
    findings.push_back({"NCCL", Health::Missing,
                        "the worker was built without it: gangs on GPUs need it",
                        "with GPUs: install CUDA 13, then ./reprise setup"});
  } else {
    findings.push_back({"NCCL", Health::Ok, nccl, ""});
  }
  return findings;
}

Finding slurm_from(int mpi_exit, const std::string& mpi_list, int partitions_exit,
                   const std::string& partitions) {
  if (partitions_exit == 127) {
    return {"Slurm", Health::Missing, "not installed: --launcher local is all there is", ""};
  }
  if (partitions_exit != 0) {
    return {"Slurm", Health::Warning, "installed, but no cluster: " + first_line(partitions),
            "to use Slurm: slurmctld and munge must run, and SLURM_CONF be right (is this a login "
            "node?)"};
  }
  if (mpi_exit != 0 || mpi_list.find("pmix") == std::string::npos) {
    return {"Slurm", Health::Bad, "srun has no PMIx: Open MPI's ranks cannot start",
            "apt-get install slurm-wlm-basic-plugins on every node (srun --mpi=list shows pmix "
            "then)"};
  }
  std::string text;
  bool up = false;
  for (const std::string& line : lines_of(partitions)) {
    text += (text.empty() ? "" : "; ") + line + " node(s)";
    up = up || line.find(" up ") != std::string::npos;
  }
  if (!up) return {"Slurm", Health::Warning, "no partition is up: " + text, "sinfo -R says why"};
  return {"Slurm", Health::Ok, "partitions: " + text + "; PMIx", ""};
}

Finding disk_from(std::uintmax_t free_bytes, std::uintmax_t free_files, bool counts_files) {
  std::ostringstream text;
  text.precision(3);
  text << static_cast<double>(free_bytes) / static_cast<double>(kGiB) << " GiB free";
  Finding finding{"disk", Health::Ok, text.str(), ""};
  if (free_bytes < 1 * kGiB || (counts_files && free_files < 1000)) {
    finding.health = Health::Bad;
  } else if (free_bytes < 10 * kGiB) {
    finding.health = Health::Warning;
  }
  if (counts_files && free_files < 1000) {
    finding.text += ", room for " + std::to_string(free_files) + " files";
  }
  if (finding.health != Health::Ok) {
    finding.fix = "reprise gc lists what can go; reprise plan says what a study needs";
  }
  return finding;
}

std::vector<Finding> examine(const DoctorOptions& options) {
  std::vector<Finding> findings{mpi(), worker(options.worker_binary)};
  const CommandEnd libraries = run({"ldd", options.worker_binary});
  const CommandEnd gpus =
      run({"nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"});
  findings.push_back(gpus_from(gpus.exit_code, gpus.output));
  for (Finding& finding : libraries_from(libraries.exit_code, libraries.output)) {
    findings.push_back(std::move(finding));
  }
  const fs::path folder = existing(options.workspace);
  findings.push_back(disk_space(folder));
  findings.push_back(folder_use(folder));
  findings.push_back(disk_space("/dev/shm"));
  findings.back().subject = "shared memory";
  if (findings.back().health == Health::Warning) findings.back().health = Health::Ok;
  if (findings.back().health != Health::Ok) {
    findings.back().fix = "remove what dead ranks left: /dev/shm/vader_segment.*";
  } else {
    findings.back().fix.clear();
  }
  for (Finding& finding : examine_network(options)) findings.push_back(std::move(finding));
  findings.push_back(slurm());
  findings.push_back(coordinator(options.workspace));
  return findings;
}

}  // namespace reprise
