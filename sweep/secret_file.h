#pragma once
/// Files that only their owner may read.

#include <filesystem>
#include <string_view>

namespace reprise {

/// Like write_file_atomically, mode 0600 from its first byte on. Errors: Unavailable, Exhausted.
void write_secret_file(const std::filesystem::path& path, std::string_view text);

}  // namespace reprise
