#pragma once
/// Looking for volumes in folders as their distributors lay them out.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace reprise::datasets {

struct Folder {
  std::filesystem::path path;
  std::string relative;            ///< To the root, with '/'; empty for the root itself.
  std::vector<std::string> files;  ///< Names of the regular files, sorted.

  /// `name` in this folder, relative to the root.
  [[nodiscard]] std::string file(const std::string& name) const;
};

/// Calls `visit` for `root` and every folder below it, following symbolic links, in sorted order;
/// where `visit` returns false, what is below that folder is skipped.
/// Errors: InvalidInput (no such folder, a loop of symbolic links, folders more than 20 deep).
void walk_folders(const std::filesystem::path& root,
                  const std::function<bool(const Folder&)>& visit);

/// Reads one folder; `relative` as in Folder.
Folder list_folder(const std::filesystem::path& root, const std::string& relative);

/// `name` without .hdr, .nii, .nii.gz, ...; empty if it is no volume. A .img counts as its .hdr.
std::string volume_stem(const std::string& name);

/// The one volume of `folder` whose stem ends in `suffix`, relative to the root; empty if there is
/// none. Errors: InvalidInput if there is more than one.
std::string find_volume(const Folder& folder, const std::string& suffix);

}  // namespace reprise::datasets
