#include "sweep/secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise {

void write_secret_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  const char* const name = file.temporary().c_str();
  ::unlink(name);  // One that a dead process of our number left behind may have another mode.
  const int fd = ::open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  ssize_t count = fd < 0 ? -1 : 0;
  for (std::size_t done = 0; count >= 0 && done < text.size();) {
    count = ::write(fd, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) count = 0;
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  const int code = errno;
  if (fd >= 0) ::close(fd);
  if (count < 0) {
    const bool full = code == ENOSPC || code == EDQUOT;
    throw Error(full ? ErrorCode::Exhausted : ErrorCode::Unavailable,
                path.string() + ": cannot write: " + std::strerror(code));
  }
  file.commit();
}

}  // namespace reprise
