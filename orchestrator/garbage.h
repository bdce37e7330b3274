#pragma once
/// Files of a workspace that no result needs.
///
///   checkpoints/STAGE        of a stage that has its result, or that no study has any more
///   objects/SHA256.*         named by no result
///   *.tmpPID-N               what a writer that died left of an atomic write
///
/// Checkpoints of stages that are still to be done stay. What is young may belong to a gang that
/// outlives its coordinator and is about to report, so only what nobody has touched for a while
/// counts, but for checkpoints of results that are there.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "db/store.h"

namespace reprise {

struct Garbage {
  std::filesystem::path path;  ///< A file, or a folder with all that is in it.
  std::uintmax_t bytes = 0;
  std::string why;
};

/// Ordered by path. Nothing is changed. Errors: those of the database, Unavailable for a folder
/// that cannot be read.
std::vector<Garbage> find_garbage(const db::Store& store, const std::filesystem::path& workspace,
                                  std::chrono::seconds untouched_for);

/// Deletes it; nothing outside `workspace`. Errors: Unavailable, naming the path.
void remove_garbage(const Garbage& garbage, const std::filesystem::path& workspace);

}  // namespace reprise
