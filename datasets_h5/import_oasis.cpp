#include <algorithm>

#include "datasets_h5/importer.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

/// The one volume in `folder` whose name ends in `stem` and a suffix; relative to `root`.
std::string find_volume(const fs::path& root, const fs::path& folder, const std::string& stem) {
  std::vector<fs::path> found;
  if (fs::is_directory(folder)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      for (const char* suffix : {".hdr", ".hdr.gz", ".nii", ".nii.gz"}) {
        if (name.ends_with(stem + suffix)) found.push_back(entry.path());
      }
    }
  }
  if (found.empty())
    throw_invalid(folder.string() + ": no *" + stem + " volume (.hdr, .nii, .nii.gz)");
  if (found.size() > 1) {
    std::sort(found.begin(), found.end());
    throw_invalid(folder.string() + ": more than one *" + stem +
                  " volume: " + found[0].filename().string() + ", " + found[1].filename().string());
  }
  return fs::relative(found.front(), root).generic_string();
}

}  // namespace

ImportOptions oasis_options() {
  ImportOptions options;
  options.slicing.size = {160, 128};
  options.slicing.drop_empty_images = true;
  // FAST numbers tissues by rising T1 intensity.
  options.label_names = {"background", "CSF", "G", "W"};
  options.label_groups = {{"T", {1, 2, 3}}, {"G", {2}}, {"W", {3}}, {"CSF", {1}}};
  return options;
}

ImportReport import_oasis(const fs::path& root, const ImportOptions& options, const fs::path& out) {
  if (!fs::is_directory(root)) throw_invalid(root.string() + ": no such folder");
  std::vector<fs::path> subjects;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_directory() && fs::is_directory(entry.path() / "PROCESSED/MPRAGE/T88_111")) {
      subjects.push_back(entry.path());
    }
  }
  // The root may itself be a subject.
  if (fs::is_directory(root / "PROCESSED/MPRAGE/T88_111")) subjects.push_back(root);
  if (subjects.empty()) {
    throw_invalid(root.string() +
                  ": no <ID>/PROCESSED/MPRAGE/T88_111 below it: not an OASIS-1 tree");
  }
  std::vector<ImportItem> items;
  for (const fs::path& subject : subjects) {
    ImportItem item;
    item.id = fs::canonical(subject).filename().string();
    item.images = {find_volume(root, subject / "PROCESSED/MPRAGE/T88_111", "masked_gfc")};
    item.label = find_volume(root, subject / "FSL_SEG", "masked_gfc_fseg");
    items.push_back(std::move(item));
  }
  // Folders are listed in no particular order; the discs of OASIS are no order either.
  std::sort(items.begin(), items.end(),
            [](const ImportItem& a, const ImportItem& b) { return a.id < b.id; });
  std::vector<std::string> ids;
  for (const ImportItem& item : items) ids.push_back(item.id);
  const std::vector<std::string> splits = assign_splits(ids, options.split);
  for (std::size_t i = 0; i < items.size(); ++i) items[i].split = splits[i];
  return import_items("oasis", root, items, options, out);
}

}  // namespace reprise::datasets
