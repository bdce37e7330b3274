#pragma once
/// Reading a file that may be compressed with gzip, with its checksum compared at the end.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

struct gzFile_s;

namespace reprise::datasets {

/// True for a regular file, through symbolic links; false for missing files, folders, and links in
/// a loop.
bool is_readable_file(const std::filesystem::path& path);

/// A plain file passes through unchanged. Move-only.
class GzReader {
 public:
  /// Errors: InvalidInput if it cannot be opened.
  explicit GzReader(std::filesystem::path path);

  /// Fills `out` as far as the file goes and returns how far. Reading to the end compares gzip's
  /// checksum. Errors: Corrupt (damaged or truncated gzip data).
  std::size_t read(std::span<std::byte> out);

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };
  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

}  // namespace reprise::datasets
