#include "datasets_h5/find_volumes.h"

#include <algorithm>
#include <system_error>

#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDepthMax = 20;

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

struct Listing {
  Folder folder;
  std::vector<std::string> folders;
};

Listing list(const fs::path& root, const std::string& relative) {
  Listing listing;
  listing.folder.path = relative.empty() ? root : root / relative;
  listing.folder.relative = relative;
  std::error_code error;
  std::vector<fs::path> entries;  // Sorted, so that of several faults the same is always named.
  for (const fs::directory_entry& entry : fs::directory_iterator(listing.folder.path, error)) {
    entries.push_back(entry.path());
  }
  if (error) throw_invalid(listing.folder.path.string() + ": " + error.message());
  std::sort(entries.begin(), entries.end());
  for (const fs::path& entry : entries) {
    const fs::file_status status = fs::status(entry, error);
    if (error == std::errc::too_many_symbolic_link_levels) {
      throw_invalid(entry.string() + ": a loop of symbolic links");
    }
    if (fs::is_regular_file(status)) listing.folder.files.push_back(entry.filename().string());
    if (fs::is_directory(status)) listing.folders.push_back(entry.filename().string());
  }
  return listing;
}

void walk(const fs::path& root, const std::string& relative, std::vector<fs::path>& above,
          const std::function<bool(const Folder&)>& visit) {
  const Listing here = list(root, relative);
  const fs::path real = fs::canonical(here.folder.path);
  if (std::find(above.begin(), above.end(), real) != above.end()) {
    throw_invalid(here.folder.path.string() + ": a loop of symbolic links, back to " +
                  real.string());
  }
  if (above.size() >= kDepthMax) {
    throw_invalid(here.folder.path.string() + ": folders are more than 20 deep");
  }
  if (!visit(here.folder)) return;
  above.push_back(real);
  for (const std::string& name : here.folders) walk(root, joined(relative, name), above, visit);
  above.pop_back();
}

}  // namespace

std::string Folder::file(const std::string& name) const { return joined(relative, name); }

Folder list_folder(const fs::path& root, const std::string& relative) {
  return list(root, relative).folder;
}

void walk_folders(const fs::path& root, const std::function<bool(const Folder&)>& visit) {
  std::error_code error;
  if (!fs::is_directory(root, error)) throw_invalid(root.string() + ": no such folder");
  std::vector<fs::path> above;
  walk(root, "", above, visit);
}

std::string volume_stem(const std::string& name) {
  for (const char* suffix : {".nii.gz", ".nii", ".hdr.gz", ".hdr"}) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - std::string(suffix).size());
  }
  return "";
}

std::string find_volume(const Folder& folder, const std::string& suffix) {
  std::string found;
  for (const std::string& name : folder.files) {
    const std::string stem = volume_stem(name);
    if (stem.empty() || !stem.ends_with(suffix)) continue;
    if (!found.empty()) {
      throw_invalid(folder.path.string() + ": more than one *" + suffix + " volume: " + found +
                    ", " + name);
    }
    found = name;
  }
  return found.empty() ? "" : folder.file(found);
}

}  // namespace reprise::datasets
