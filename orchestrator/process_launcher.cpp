#include "orchestrator/process_launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "orchestrator/child_process.h"
#include "sweep/error.h"

namespace reprise {
namespace {

constexpr std::int64_t kEscalateMs = 2000;

}  // namespace

std::vector<std::string> mpirun_words(const LaunchOptions& options, const std::string& gang) {
  std::vector<std::string> argv{"mpirun"};
  if (::geteuid() == 0) argv.emplace_back("--allow-run-as-root");
  for (const char* word : {"--oversubscribe", "--bind-to", "none", "-np"}) argv.emplace_back(word);
  argv.push_back(std::to_string(options.ranks));
  for (std::string& word : worker_words(options, gang)) argv.push_back(std::move(word));
  return argv;
}

ProcessLauncher::~ProcessLauncher() {
  for (const auto& [gang, process] : processes_) {
    kill_tree(process.pid);
    ::waitpid(process.pid, nullptr, 0);
  }
}

void ProcessLauncher::launch(const std::string& gang, int ranks, const std::vector<int>& devices,
                             std::int64_t /*now_ms*/) {
  const std::filesystem::path log = gang_log(options_.workspace, gang);
  std::error_code error;
  std::filesystem::create_directories(log.parent_path(), error);
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) {
    throw Error(ErrorCode::Unavailable, log.string() + ": cannot open: " + std::strerror(errno));
  }
  LaunchOptions options = options_;
  options.ranks = ranks;
  std::map<std::string, std::string> variables = thread_variables(options_.threads);
  // A step of an allocation is given its GPUs by Slurm, and a person may have chosen some.
  if (options_.kind == LauncherKind::Local && options_.device == "cuda" && !devices.empty() &&
      std::getenv("CUDA_VISIBLE_DEVICES") == nullptr) {
    std::string visible;
    for (const int device : devices)
      visible += (visible.empty() ? "" : ",") + std::to_string(device);
    variables["CUDA_VISIBLE_DEVICES"] = visible;
  }
  try {
    const pid_t pid =
        spawn_child(words_(options, gang), {.environment = std::move(variables), .output = fd});
    processes_[gang] = Process{.pid = pid};
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
}

void ProcessLauncher::escalate(Process& process, std::int64_t now_ms) {
  if (process.signals == 0) {
    ::kill(process.pid, SIGUSR1);
  } else if (process.signals == 1) {
    ::kill(process.pid, SIGTERM);
  } else {
    kill_tree(process.pid);
  }
  ++process.signals;
  process.next_at = now_ms + kEscalateMs;
}

void ProcessLauncher::kill(const std::string& gang, std::int64_t now_ms) {
  const auto found = processes_.find(gang);
  if (found != processes_.end() && found->second.signals == 0) escalate(found->second, now_ms);
}

std::vector<LaunchEvent> ProcessLauncher::poll(std::int64_t now_ms,
                                               const std::set<std::string>& /*connected*/) {
  std::vector<LaunchEvent> events;
  for (auto it = processes_.begin(); it != processes_.end();) {
    auto& [gang, process] = *it;
    int status = 0;
    if (::waitpid(process.pid, &status, WNOHANG) != process.pid) {
      if (process.signals > 0 && now_ms >= process.next_at) escalate(process, now_ms);
      ++it;
      continue;
    }
    const std::string log = gang_log(options_.workspace, gang);
    events.emplace_back(GangExit{.gang = gang,
                                 .reason = describe_exit(status) + " (see " + log + ")",
                                 .expected = status == 0});
    it = processes_.erase(it);
  }
  return events;
}

}  // namespace reprise
