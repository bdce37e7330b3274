// Preloaded into a program under test: one call of its that changes a file, or sends a message,
// fails or ends it.
//
// FAILING_IO="PROGRAM FOLDER KIND AT MARKER": of the calls that processes called PROGRAM make on
// files below FOLDER, or on sockets where that is "socket:", the AT-th is hit, once only: then the
// file MARKER is made, and nobody is hit any more. KIND: "kill" ends the process before the call,
// "torn" half way through a write, "eio" and "enospc" let the call fail, "short" lets a write stop
// half way and the next one fail. Of sockets, "kill" and "eio" only.

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

namespace {

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

enum class Verdict { Go, Fail, Half };

struct Plan {
  std::string folder, kind, marker;
  int at = 0;
  bool ours = false;
  std::atomic<int> calls{0};
  std::atomic<bool> broken{false};  ///< After a short write: the next one fails.

  Plan() {
    const char* text = std::getenv("FAILING_IO");
    if (text == nullptr) return;
    std::string program;
    std::istringstream(text) >> program >> folder >> kind >> at >> marker;
    char exe[4096] = {};
    if (::readlink("/proc/self/exe", exe, sizeof exe - 1) <= 0) return;
    const char* name = std::strrchr(exe, '/');
    ours = name != nullptr && program == name + 1;
  }

  Verdict hit(const char* path, bool writes) {
    if (!ours || path == nullptr || std::strncmp(path, folder.c_str(), folder.size()) != 0) {
      return Verdict::Go;
    }
    if (writes && broken.exchange(false)) {
      errno = EIO;
      return Verdict::Fail;
    }
    if (++calls != at || ::access(marker.c_str(), F_OK) == 0) return Verdict::Go;
    static const auto open_file = real<int(const char*, int, ...)>("open");
    ::close(open_file(marker.c_str(), O_WRONLY | O_CREAT, 0644));
    if (kind == "kill" || (kind == "torn" && !writes)) ::raise(SIGKILL);
    if (kind == "torn" || (kind == "short" && writes)) return Verdict::Half;
    errno = kind == "enospc" ? ENOSPC : EIO;
    return Verdict::Fail;
  }

  Verdict hit(int fd, bool writes) {
    if (!ours) return Verdict::Go;
    char path[4096] = {};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    if (::readlink(link.c_str(), path, sizeof path - 1) <= 0) return Verdict::Go;
    return hit(path, writes);
  }

  /// What is to do after half of a write was done.
  void after_half() {
    if (kind == "torn") ::raise(SIGKILL);
    broken = true;
  }
};

Plan& plan() {
  static Plan the_plan;
  return the_plan;
}

/// `whole` writes all of it, `part` the first half.
template <typename Write>
ssize_t write_by(int fd, size_t count, const Write& write) {
  switch (plan().hit(fd, true)) {
    case Verdict::Fail:
      return -1;
    case Verdict::Half: {
      const ssize_t done = write(count / 2);
      plan().after_half();
      return done;
    }
    case Verdict::Go:
      break;
  }
  return write(count);
}

bool changes(int flags) { return (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0; }

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t count) {
  static const auto next = real<ssize_t(int, const void*, size_t)>("write");
  return write_by(fd, count, [&](size_t part) { return next(fd, data, part); });
}
ssize_t pwrite(int fd, const void* data, size_t count, off_t at) {
  static const auto next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return write_by(fd, count, [&](size_t part) { return next(fd, data, part, at); });
}
ssize_t pwrite64(int fd, const void* data, size_t count, off64_t at) {
  static const auto next = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return write_by(fd, count, [&](size_t part) { return next(fd, data, part, at); });
}

ssize_t send(int fd, const void* data, size_t count, int flags) {
  static const auto next = real<ssize_t(int, const void*, size_t, int)>("send");
  return plan().hit(fd, false) == Verdict::Go ? next(fd, data, count, flags) : -1;
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto next = real<ssize_t(int, const msghdr*, int)>("sendmsg");
  return plan().hit(fd, false) == Verdict::Go ? next(fd, message, flags) : -1;
}

// open and open64 take a mode only where they create.
#define FAILING_OPEN(name)                                                   \
  int name(const char* path, int flags, ...) {                               \
    static const auto next = real<int(const char*, int, ...)>(#name);        \
    va_list more;                                                            \
    va_start(more, flags);                                                   \
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;   \
    va_end(more);                                                            \
    if (changes(flags) && plan().hit(path, false) != Verdict::Go) return -1; \
    return next(path, flags, mode);                                          \
  }
FAILING_OPEN(open)
FAILING_OPEN(open64)

#define FAILING_SYNC(name)                                       \
  int name(int fd) {                                             \
    static const auto next = real<int(int)>(#name);              \
    return plan().hit(fd, false) == Verdict::Go ? next(fd) : -1; \
  }
FAILING_SYNC(fsync)
FAILING_SYNC(fdatasync)

#define FAILING_TRUNCATE(name, size_type)                              \
  int name(int fd, size_type size) noexcept {                          \
    static const auto next = real<int(int, size_type)>(#name);         \
    return plan().hit(fd, false) == Verdict::Go ? next(fd, size) : -1; \
  }
FAILING_TRUNCATE(ftruncate, off_t)
FAILING_TRUNCATE(ftruncate64, off64_t)

int rename(const char* from, const char* to) noexcept {
  static const auto next = real<int(const char*, const char*)>("rename");
  return plan().hit(to, false) == Verdict::Go ? next(from, to) : -1;
}
int unlink(const char* path) noexcept {
  static const auto next = real<int(const char*)>("unlink");
  return plan().hit(path, false) == Verdict::Go ? next(path) : -1;
}
int mkdir(const char* path, mode_t mode) noexcept {
  static const auto next = real<int(const char*, mode_t)>("mkdir");
  return plan().hit(path, false) == Verdict::Go ? next(path, mode) : -1;
}

}  // extern "C"
