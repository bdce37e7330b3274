#pragma once
/// SHA-256 of bytes and files: the only digest in Reprise (stage ids, checkpoints, data sets,
/// rows).

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace reprise {

/// An incremental SHA-256. Not thread-safe; move-only.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);

  /// 64 lower-case hexadecimal digits. The object must not be used afterwards.
  std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// SHA-256 of a text, as 64 hexadecimal digits.
std::string sha256_hex(std::string_view text);

/// SHA-256 of a file's bytes. Throws `Error` (Unavailable) if it cannot be read.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace reprise
