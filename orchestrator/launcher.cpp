#include "orchestrator/launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "sweep/error.h"

namespace reprise {
namespace {

constexpr std::int64_t kKillDelayMs = 3000;

std::vector<std::string> environment(int threads) {
  static constexpr const char* kThreadKeys[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                                                "MKL_NUM_THREADS"};
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    bool ours = false;
    for (const char* key : kThreadKeys) ours = ours || text.starts_with(std::string(key) + "=");
    if (!ours) result.emplace_back(text);
  }
  for (const char* key : kThreadKeys) {
    result.push_back(std::string(key) + "=" + std::to_string(threads));
  }
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, char* const* envp, int log, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(log, 1) < 0 || ::dup2(log, 2) < 0) ::_exit(127);
  // Sockets and database files of the coordinator must not live on in a gang.
  ::close_range(3, ~0U, 0);
  ::execvpe(argv[0], argv, envp);
  static constexpr char kText[] = "cannot execute mpirun: is Open MPI installed and on PATH?\n";
  [[maybe_unused]] const auto written = ::write(2, kText, sizeof kText - 1);
  ::_exit(127);
}

pid_t parent_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto paren = text.rfind(')');
  if (paren == std::string::npos || paren + 4 >= text.size()) return -1;
  return static_cast<pid_t>(std::strtol(text.c_str() + paren + 4, nullptr, 10));
}

/// mpirun puts its ranks into process groups of their own: they are found as its descendants.
std::vector<pid_t> tree(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    children.emplace(parent_of(pid), pid);
  }
  std::vector<pid_t> found{root};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [first, last] = children.equal_range(found[i]);
    for (auto it = first; it != last; ++it) found.push_back(it->second);
  }
  return found;
}

void kill_tree(pid_t root) {
  for (const pid_t pid : tree(root)) ::kill(pid, SIGKILL);
  ::kill(-root, SIGKILL);
}

}  // namespace

Launcher::~Launcher() {
  for (const auto& [gang, process] : processes_) {
    kill_tree(process.pid);
    ::waitpid(process.pid, nullptr, 0);
  }
}

std::filesystem::path Launcher::log_file(const std::string& gang) const {
  return options_.workspace / "logs" / (gang + ".log");
}

std::vector<std::string> Launcher::command(const std::string& gang) const {
  std::vector<std::string> argv{"mpirun"};
  if (::geteuid() == 0) argv.emplace_back("--allow-run-as-root");
  for (const char* word : {"--oversubscribe", "--bind-to", "none", "-np"}) argv.emplace_back(word);
  argv.push_back(std::to_string(options_.ranks));
  argv.push_back(options_.worker_binary);
  argv.insert(argv.end(), {"--workspace", options_.workspace, "--gang", gang, "--device",
                           options_.device, "--threads", std::to_string(options_.threads)});
  return argv;
}

void Launcher::launch(const std::string& gang) {
  const std::filesystem::path log = log_file(gang);
  std::error_code error;
  std::filesystem::create_directories(log.parent_path(), error);
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) {
    throw Error(ErrorCode::Unavailable, log.string() + ": cannot open: " + std::strerror(errno));
  }
  std::vector<std::string> words = command(gang);
  std::vector<std::string> variables = environment(options_.threads);
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(variables);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(argv.data(), envp.data(), fd, parent);
  const int why = errno;
  ::close(fd);
  if (pid < 0) {
    throw Error(ErrorCode::Exhausted, "cannot fork gang " + gang + ": " + std::strerror(why));
  }
  ::setpgid(pid, pid);  // Also here: whichever of the two comes first.
  processes_[gang] = Process{pid, 0};
}

void Launcher::kill(const std::string& gang, std::int64_t now_ms) {
  const auto found = processes_.find(gang);
  if (found == processes_.end() || found->second.kill_at != 0) return;
  ::kill(found->second.pid, SIGTERM);
  found->second.kill_at = now_ms + kKillDelayMs;
}

void Launcher::tick(std::int64_t now_ms) {
  for (auto& [gang, process] : processes_) {
    if (process.kill_at != 0 && now_ms >= process.kill_at) {
      kill_tree(process.pid);
      process.kill_at = now_ms + kKillDelayMs;
    }
  }
}

std::vector<GangExit> Launcher::reap() {
  std::vector<GangExit> exits;
  for (auto it = processes_.begin(); it != processes_.end();) {
    int status = 0;
    if (::waitpid(it->second.pid, &status, WNOHANG) != it->second.pid) {
      ++it;
      continue;
    }
    const std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                                : "exit " + std::to_string(WEXITSTATUS(status));
    exits.push_back({it->first, how + " (see " + log_file(it->first).string() + ")"});
    it = processes_.erase(it);
  }
  return exits;
}

}  // namespace reprise
