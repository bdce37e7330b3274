#include "orchestrator/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <string_view>
#include <thread>

#include "sweep/error.h"

namespace reprise {
namespace {

constexpr std::size_t kOutputMax = 16U << 20U;

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& set) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!set.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
  }
  for (const auto& [key, value] : set) result.push_back(key + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, char* const* envp, int output, pid_t parent,
                         std::string_view failure) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0) {
    ::_exit(127);
  }
  // Sockets and database files of the coordinator must not live on in a child.
  ::close_range(3, ~0U, 0);
  ::execvpe(argv[0], argv, envp);
  [[maybe_unused]] const auto written = ::write(2, failure.data(), failure.size());
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

std::int64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

pid_t spawn_child(const std::vector<std::string>& argv, const ChildOptions& options) {
  std::vector<std::string> words = argv;
  std::vector<std::string> variables = merged_environment(options.environment);
  const std::string failure = "cannot execute " + words.at(0) + ": is it installed and on PATH?\n";
  const std::vector<char*> argument_pointers = pointers(words);
  const std::vector<char*> variable_pointers = pointers(variables);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(argument_pointers.data(), variable_pointers.data(), options.output, parent, failure);
  }
  if (pid < 0) {
    throw Error(ErrorCode::Exhausted, "cannot fork " + argv[0] + ": " + std::strerror(errno));
  }
  ::setpgid(pid, pid);  // Also here: whichever of the two comes first.
  return pid;
}

void kill_tree(pid_t root) {
  try {
    for (const pid_t pid : tree(root)) ::kill(pid, SIGKILL);
  } catch (const std::bad_alloc&) {
    // Destructors call this: without memory for the list, its process group has to do.
  }
  ::kill(-root, SIGKILL);
}

std::string describe_exit(int wait_status) {
  return WIFSIGNALED(wait_status) ? "signal " + std::to_string(WTERMSIG(wait_status))
                                  : "exit " + std::to_string(WEXITSTATUS(wait_status));
}

Command::Command(const std::vector<std::string>& argv,
                 const std::map<std::string, std::string>& variables, std::int64_t now_ms,
                 std::int64_t timeout_ms)
    : deadline_(now_ms + timeout_ms) {
  output_ = ::memfd_create("command-output", MFD_CLOEXEC);
  if (output_ < 0) {
    throw Error(ErrorCode::Exhausted,
                "cannot keep the output of " + argv.at(0) + ": " + std::strerror(errno));
  }
  try {
    pid_ = spawn_child(argv, {.environment = variables, .output = output_});
  } catch (...) {
    ::close(output_);
    throw;
  }
}

Command::~Command() {
  if (pid_ > 0) {
    kill_tree(pid_);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(output_);
}

std::string Command::read_output() const {
  struct stat about{};
  if (::fstat(output_, &about) != 0) return {};
  std::string text(std::min(static_cast<std::size_t>(about.st_size), kOutputMax), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const auto got =
        ::pread(output_, text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

std::optional<CommandEnd> Command::poll(std::int64_t now_ms) {
  if (pid_ <= 0) return std::nullopt;
  CommandEnd end;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) {
    if (now_ms < deadline_) return std::nullopt;
    kill_tree(pid_);
    ::waitpid(pid_, &status, 0);
    end.timed_out = true;
  }
  pid_ = -1;
  end.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  end.output = read_output();
  return end;
}

CommandEnd run_command_line(const std::vector<std::string>& argv, std::int64_t timeout_ms) {
  Command command(argv, {}, steady_ms(), timeout_ms);
  while (true) {
    if (auto end = command.poll(steady_ms())) return std::move(*end);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace reprise
