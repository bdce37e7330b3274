#include "orchestrator/cli/python.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

struct Script {
  const char* text;
  const char* does;
  const char* needs;
};

constexpr Script kFigures = {
#include "figures.inc"
    , "draw", "matplotlib"};
constexpr Script kPrint = {
#include "print_page.inc"
    , "print", "WeasyPrint"};

/// The environment of ./reprise, which has matplotlib; else the system's Python, which may have it.
std::string python_program() {
  const char* deps = std::getenv("REPRISE_DEPS");
  const char* home = std::getenv("HOME");
  const fs::path folder = deps != nullptr
                              ? fs::path(deps)
                              : fs::path(home != nullptr ? home : "/root") / ".cache/reprise";
  const fs::path program = folder / "venv/bin/python";
  return fs::exists(program) ? program.string() : "python3";
}

/// A scratch folder, gone at the end.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "reprise-plot-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw Error(ErrorCode::Unavailable, name + ": cannot create a scratch folder");
    }
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Scratch(Scratch&&) = delete;
  Scratch& operator=(Scratch&&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// In the child: standard input and errors from and to files, then Python. Never returns.
[[noreturn]] void become_python(const std::string& program, const std::string& script,
                                const std::string& input, const std::string& errors) {
  const int from = ::open(input.c_str(), O_RDONLY | O_CLOEXEC);
  const int to = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (from < 0 || to < 0 || ::dup2(from, STDIN_FILENO) < 0 || ::dup2(to, STDERR_FILENO) < 0) {
    ::_exit(127);
  }
  const std::array<const char*, 3> arguments = {program.c_str(), script.c_str(), nullptr};
  ::execvp(program.c_str(), const_cast<char* const*>(arguments.data()));
  ::_exit(127);
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of("\n ");
  if (end == std::string::npos) return "it said nothing";
  const std::size_t start = text.rfind('\n', end);
  return text.substr(start == std::string::npos ? 0 : start + 1,
                     end - (start == std::string::npos ? 0 : start + 1) + 1);
}

void run_script(const Script& script, const boost::json::object& request) {
  const Scratch scratch;
  const std::string path = (scratch.path() / "script.py").string();
  const std::string input = (scratch.path() / "request.json").string();
  const std::string errors = (scratch.path() / "errors").string();
  write_file_atomically(path, script.text);
  write_file_atomically(input, boost::json::serialize(request));
  const std::string program = python_program();
  const pid_t child = ::fork();
  if (child < 0) throw Error(ErrorCode::Unavailable, "cannot start " + program);
  if (child == 0) become_python(program, path, input, errors);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  const std::string said = fs::exists(errors) ? last_line(read_file(errors)) : "";
  throw Error(ErrorCode::Unavailable, program + ": cannot " + script.does + " (" + said +
                                          "); it needs " + script.needs +
                                          ", which `./reprise setup` installs");
}

}  // namespace

void run_plot_script(const boost::json::object& request) { run_script(kFigures, request); }

void print_page(const fs::path& page, const fs::path& pdf) {
  run_script(kPrint, {{"page", fs::absolute(page).string()}, {"pdf", fs::absolute(pdf).string()}});
}

}  // namespace reprise::cli
