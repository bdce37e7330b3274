#include "sweep/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "sweep/error.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void throw_errno(const fs::path& path, const char* what) {
  const int code = errno;
  const bool full = code == ENOSPC || code == EDQUOT;
  throw Error(full ? ErrorCode::Exhausted : ErrorCode::Unavailable,
              path.string() + ": " + what + ": " + std::strerror(code));
}

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    if (fd_ < 0) throw_errno(path, "cannot open");
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

void sync_path(const fs::path& path, int flags) {
  const Descriptor file(path, flags);
  if (::fsync(file.get()) != 0) throw_errno(path, "cannot fsync");
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  // The name is unique to this process and call, so that two writers never share a temporary file.
  static std::atomic<unsigned> counter{0};
  std::error_code error;
  fs::create_directories(folder_of(target_), error);
  if (error) {
    throw Error(ErrorCode::Unavailable,
                folder_of(target_).string() + ": cannot create folder: " + error.message());
  }
  temporary_ = target_;
  temporary_ += ".tmp" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
}

AtomicFile::~AtomicFile() {
  if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::commit() {
  sync_path(temporary_, O_RDONLY);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw_errno(target_, "cannot rename to");
  committed_ = true;
  sync_path(folder_of(target_), O_RDONLY | O_DIRECTORY);
}

void write_file_atomically(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  {
    const Descriptor out(file.temporary(), O_WRONLY | O_CREAT | O_TRUNC);
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t count = ::write(out.get(), text.data() + done, text.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw_errno(path, "cannot write");
      done += static_cast<std::size_t>(count);
    }
  }
  file.commit();
}

std::string read_file(const fs::path& path, std::size_t bytes_max) {
  if (!fs::exists(path)) throw_invalid(path.string() + ": no such file");
  const Descriptor in(path, O_RDONLY);
  std::string text;
  std::array<char, 1U << 16U> buffer{};
  while (true) {
    const ssize_t count = ::read(in.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(path, "cannot read");
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > bytes_max) {
      throw_corrupt(path.string() + ": longer than " + std::to_string(bytes_max) + " bytes");
    }
  }
}

}  // namespace reprise
