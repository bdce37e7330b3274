#pragma once
/// Child processes from argument arrays: no shell ever sees a word of a study.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace reprise {

struct ChildOptions {
  std::map<std::string, std::string> environment;  ///< Set over our own variables.
  int output = -1;                                 ///< Its stdout and stderr.
};

/// Starts `argv` (looked up on PATH) in a process group of its own, with signals unblocked and no
/// descriptor of ours but `output`. It is killed when the calling thread ends. A program that
/// cannot be executed exits with 127 and says so. Errors: Exhausted.
pid_t spawn_child(const std::vector<std::string>& argv, const ChildOptions& options);

/// SIGKILL to a process and all its descendants, whatever their process groups.
void kill_tree(pid_t root);

/// "exit 1" or "signal 9", from a status of waitpid.
std::string describe_exit(int wait_status);

struct CommandEnd {
  int exit_code = -1;  ///< 128 + N for signal N, and where it took too long: 128 + 9.
  bool timed_out = false;
  std::string output;  ///< stdout and stderr, at most 16 MiB.
};

/// A short command whose output is kept, run beside the caller. Killed with its tree on
/// destruction.
class Command {
 public:
  /// Errors: Exhausted.
  Command(const std::vector<std::string>& argv, const std::map<std::string, std::string>& variables,
          std::int64_t now_ms, std::int64_t timeout_ms);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  Command(Command&&) = delete;
  Command& operator=(Command&&) = delete;

  /// Once, when it ended or its time is up.
  std::optional<CommandEnd> poll(std::int64_t now_ms);

 private:
  [[nodiscard]] std::string read_output() const;

  int output_ = -1;
  pid_t pid_ = -1;
  std::int64_t deadline_;
};

/// Runs a command to its end.
CommandEnd run_command_line(const std::vector<std::string>& argv, std::int64_t timeout_ms);

}  // namespace reprise
