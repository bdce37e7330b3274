#pragma once
/// Looking after a results database: a copy, a check of everything in it, less space.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace reprise::db {

/// Writes one consistent state of `file` to `to`, also while a coordinator works on it. The copy is
/// checked, then appears under its name. Errors: InvalidInput where `to` exists, Corrupt,
/// Exhausted, Unavailable.
void backup(const std::filesystem::path& file, const std::filesystem::path& to);

/// What a check found.
struct CheckReport {
  std::int64_t results = 0;           ///< Rows whose hashes were looked at.
  std::vector<std::string> problems;  ///< A line each; at most a hundred. Empty: sound.
};

/// SQLite's own integrity and foreign keys; every result's hash, and its rows of `metrics` against
/// its body; every result's attempt. Only reads. A file that is no database at all is a problem,
/// not an error. Errors: InvalidInput where there is no file, Unavailable.
CheckReport check(const std::filesystem::path& file);

struct VacuumReport {
  std::uintmax_t bytes_before = 0, bytes_after = 0;
};

/// Rewrites the file without its free pages. The caller holds the workspace: no coordinator may
/// run. Errors: those of the database; Exhausted where the disk has no room for the second copy.
VacuumReport vacuum(const std::filesystem::path& file);

}  // namespace reprise::db
