#pragma once
/// Files that matter: written under a temporary name, fsynced, renamed, their folder fsynced.
///
/// A reader therefore sees the old file, the new file or none, never a torn one.

#include <filesystem>
#include <string>
#include <string_view>

namespace reprise {

/// A file being written under a temporary name in the target's folder.
///
/// Whoever produces the bytes (HDF5, safetensors, ...) writes to `temporary()`, closes it, and
/// calls `commit()`. Without `commit()` the destructor deletes the temporary file.
class AtomicFile {
 public:
  /// Creates the target's folder where it is missing. Errors: Unavailable.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  AtomicFile(AtomicFile&&) = delete;
  AtomicFile& operator=(AtomicFile&&) = delete;

  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }

  /// fsync the bytes, rename over the target, fsync the folder. Errors: Unavailable, Exhausted.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

/// Writes a whole text atomically. Errors: Unavailable, Exhausted (disk full).
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// The whole of a file of at most `bytes_max` bytes.
/// Errors: InvalidInput if it does not exist, Unavailable if unreadable, Corrupt if longer.
std::string read_file(const std::filesystem::path& path, std::size_t bytes_max = 64U << 20U);

}  // namespace reprise
