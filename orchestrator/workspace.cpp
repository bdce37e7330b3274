#include "orchestrator/workspace.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "sweep/error.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void unavailable(const fs::path& path, const char* what) {
  throw Error(ErrorCode::Unavailable, path.string() + ": " + what + ": " + std::strerror(errno));
}

}  // namespace

WorkspaceLock::WorkspaceLock(const fs::path& workspace) {
  std::error_code error;
  fs::create_directories(workspace, error);
  const fs::path file = workspace / "lock";
  fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) unavailable(file, "cannot open");
  std::array<char, 32> text{};
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    const auto bytes = ::pread(fd_, text.data(), text.size() - 1, 0);
    ::close(fd_);
    if (!held) unavailable(file, "cannot lock");
    const std::string pid(text.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
    throw Error(ErrorCode::Unavailable,
                workspace.string() + " is in use by process " + pid + " (reprise run ...)");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, pid.data(), pid.size(), 0) < 0) {
    ::close(fd_);
    unavailable(file, "cannot write");
  }
}

WorkspaceLock::~WorkspaceLock() { ::close(fd_); }

std::string random_token() {
  std::array<unsigned char, 32> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(ErrorCode::Unavailable, std::string("no random numbers: ") + std::strerror(errno));
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

}  // namespace reprise
