#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>

#include "orchestrator/cli/prepare.h"
#include "sweep/error.h"

namespace reprise::cli {
namespace {

#ifdef REPRISE_SANITIZED  // Sanitizers reserve terabytes of addresses.
constexpr rlim_t kMemoryMaxBytes = RLIM_INFINITY;
#else
constexpr rlim_t kMemoryMaxBytes = rlim_t{16} << 30U;
#endif
constexpr rlim_t kCpuMaxSeconds = 4 * 3600;

void limit(int resource, rlim_t value) {
  const rlimit wanted{.rlim_cur = value, .rlim_max = value};
  (void)::setrlimit(static_cast<__rlimit_resource>(resource), &wanted);
}

/// The child's part: the error, if any, goes to the parent as its exit code and text.
[[noreturn]] void run_child(int pipe, void (*work)(const void*), const void* argument) {
  limit(RLIMIT_AS, kMemoryMaxBytes);
  limit(RLIMIT_CPU, kCpuMaxSeconds);
  limit(RLIMIT_CORE, 0);
  int code = 0;
  std::string text;
  try {
    work(argument);
  } catch (const Error& error) {
    code = static_cast<int>(error.code());
    text = error.what();
  } catch (const std::bad_alloc&) {
    code = static_cast<int>(ErrorCode::Exhausted);
    text = "out of memory";
  } catch (const std::exception& error) {
    code = static_cast<int>(ErrorCode::Corrupt);
    text = error.what();
  }
  const ssize_t written = ::write(pipe, text.data(), text.size());
  ::_exit(written == static_cast<ssize_t>(text.size()) ? code : 1);
}

}  // namespace

void run_limited(const std::string& what, void (*work)(const void*), const void* argument) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) throw Error(ErrorCode::Unavailable, "cannot create a pipe");
  const pid_t child = ::fork();
  if (child < 0) {
    throw Error(ErrorCode::Unavailable, std::string("cannot fork: ") + std::strerror(errno));
  }
  if (child == 0) {
    ::close(pipe[0]);
    run_child(pipe[1], work, argument);
  }
  ::close(pipe[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t count = 0;
  while ((count = ::read(pipe[0], buffer.data(), buffer.size())) != 0) {
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) break;
  }
  ::close(pipe[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    throw_corrupt(what + ": the reader died of signal " + std::to_string(WTERMSIG(status)) +
                  " (damaged or hostile file, or out of memory)");
  }
  if (WEXITSTATUS(status) != 0) {
    throw Error(static_cast<ErrorCode>(WEXITSTATUS(status)), text.empty() ? what : text);
  }
}

}  // namespace reprise::cli
