/// The layouts in which the paper's four data sets are handed out, and what the paper makes of them
/// (slices, crop, labels; released code, datasets/*_dataset.py).

#include <algorithm>
#include <array>

#include "datasets_h5/find_volumes.h"
#include "datasets_h5/importer.h"
#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

std::vector<ImportItem> sorted(std::vector<ImportItem> items, const fs::path& root,
                               const std::string& layout) {
  if (items.empty()) throw_invalid(root.string() + ": no " + layout);
  std::sort(items.begin(), items.end(),
            [](const ImportItem& a, const ImportItem& b) { return a.id < b.id; });
  return items;
}

std::string name_of(const Folder& folder) { return fs::canonical(folder.path).filename().string(); }

std::string required(const Folder& folder, const std::string& suffix) {
  std::string found = find_volume(folder, suffix);
  if (found.empty()) {
    throw_invalid(folder.path.string() + ": no *" + suffix + " volume (.nii, .nii.gz, .hdr)");
  }
  return found;
}

/// <ID>/PROCESSED/MPRAGE/T88_111/*masked_gfc and <ID>/FSL_SEG/*masked_gfc_fseg (OASIS-1).
std::vector<ImportItem> find_oasis(const fs::path& root) {
  std::vector<ImportItem> items;
  walk_folders(root, [&](const Folder& folder) {
    std::error_code error;
    if (!fs::is_directory(folder.path / "PROCESSED/MPRAGE/T88_111", error)) return true;
    if (!fs::is_directory(folder.path / "FSL_SEG", error)) {
      throw_invalid(folder.path.string() + ": no folder FSL_SEG with its labels");
    }
    const auto inner = [&](const char* name) { return list_folder(root, folder.file(name)); };
    items.push_back({.id = name_of(folder),
                     .split = "",
                     .images = {required(inner("PROCESSED/MPRAGE/T88_111"), "masked_gfc")},
                     .label = required(inner("FSL_SEG"), "masked_gfc_fseg")});
    return false;
  });
  return sorted(std::move(items), root,
                "<ID>/PROCESSED/MPRAGE/T88_111 below it: not an OASIS-1 tree");
}

/// <HGG|LGG>/<ID>/<ID>_{t1ce,t1,t2,flair,seg} (2017 to 2021), or -t1c, -t1n, ... (2023).
std::vector<ImportItem> find_brats(const fs::path& root) {
  const std::vector<std::vector<std::string>> suffixes{{"_t1ce", "_t1", "_t2", "_flair", "_seg"},
                                                       {"-t1c", "-t1n", "-t2w", "-t2f", "-seg"}};
  std::vector<ImportItem> items;
  walk_folders(root, [&](const Folder& folder) {
    for (const std::vector<std::string>& names : suffixes) {
      const bool any = std::any_of(names.begin(), names.end(), [&](const std::string& suffix) {
        return !find_volume(folder, suffix).empty();
      });
      if (!any) continue;
      ImportItem item{.id = name_of(folder), .split = "", .images = {}, .label = ""};
      for (std::size_t i = 0; i + 1 < names.size(); ++i) {
        item.images.push_back(required(folder, names[i]));
      }
      item.label = required(folder, names.back());
      const std::string grade = fs::canonical(folder.path).parent_path().filename().string();
      if (grade == "HGG" || grade == "LGG") item.id = grade + "_" + item.id;
      items.push_back(std::move(item));
      return false;
    }
    return true;
  });
  return sorted(std::move(items), root,
                "<ID>/<ID>_{t1ce,t1,t2,flair,seg} below it: not a BraTS tree");
}

/// <ID>/<ID>_frame<NN> with <ID>_frame<NN>_gt: each labelled frame is a volume of its own.
std::vector<ImportItem> find_acdc(const fs::path& root) {
  std::vector<ImportItem> items;
  walk_folders(root, [&](const Folder& folder) {
    bool is_patient = false;
    bool has_labels = false;
    for (const std::string& name : folder.files) {
      std::string stem = volume_stem(name);
      const std::size_t at = stem.rfind("_frame");
      if (at == std::string::npos) continue;
      is_patient = true;
      if (!stem.ends_with("_gt")) continue;
      has_labels = true;
      stem.resize(stem.size() - 3);
      items.push_back({.id = name_of(folder) + "#" + stem.substr(at + 1),
                       .split = "",
                       .images = {required(folder, stem)},
                       .label = folder.file(name)});
    }
    if (is_patient && !has_labels) {
      throw_invalid(folder.path.string() + ": has frames, but no *_gt volume with their labels");
    }
    return !is_patient;
  });
  return sorted(std::move(items), root, "<ID>/<ID>_frame<NN>_gt below it: not an ACDC tree");
}

/// <ID> with mask/<ID>, or <ID> with ../Lung_and_Infection_Mask/<ID> (Zenodo 3757476).
std::vector<ImportItem> find_covid(const fs::path& root) {
  const auto is_mask_folder = [](const std::string& name) {
    return name == "mask" || name.ends_with("_Mask");
  };
  std::vector<ImportItem> items;
  walk_folders(root, [&](const Folder& folder) {
    if (is_mask_folder(folder.path.filename().string())) return false;
    for (const std::string& name : folder.files) {
      const std::string id = volume_stem(name);
      if (id.empty()) continue;
      std::string label;
      const std::string parent = fs::path(folder.relative).parent_path().generic_string();
      for (const fs::path& masks :
           {fs::path(folder.file("mask")), fs::path(parent) / "Lung_and_Infection_Mask"}) {
        std::error_code error;
        if (!label.empty() || !fs::is_directory(root / masks, error)) continue;
        for (const std::string& mask : list_folder(root, masks.generic_string()).files) {
          if (volume_stem(mask) == id) label = (masks / mask).generic_string();
        }
      }
      if (label.empty()) {
        throw_invalid((folder.path / name).string() + ": no label volume mask/" + id +
                      " or ../Lung_and_Infection_Mask/" + id);
      }
      items.push_back({.id = id, .split = "", .images = {folder.file(name)}, .label = label});
    }
    return true;
  });
  return sorted(std::move(items), root,
                "<ID>.nii.gz with mask/<ID>.nii.gz below it: not a COVID-CT tree");
}

Reader make_reader(const char* name, const char* help, std::array<int, 2> size,
                   std::vector<std::string> labels, std::vector<LabelGroup> groups,
                   std::vector<ImportItem> (*find)(const fs::path&)) {
  Reader reader{.name = name, .help = help, .options = {}, .find = find};
  ImportOptions& options = reader.options;
  options.slicing.size = size;
  options.label_names = std::move(labels);
  options.label_groups = std::move(groups);
  options.allow_mixed_orientation = true;
  return reader;
}

std::vector<Reader> make_readers() {
  // FAST numbers the tissues by rising T1 intensity: 1 CSF, 2 grey, 3 white. (The released code
  // calls them grey, white, CSF, so the paper's columns are probably rotated.)
  Reader oasis = make_reader("oasis", "OASIS-1 T88-111 with FSL_SEG", {160, 128},
                             {"background", "CSF", "G", "W"},
                             {{"T", {1, 2, 3}}, {"G", {2}}, {"W", {3}}, {"CSF", {1}}}, find_oasis);
  oasis.options.slicing.drop_empty_images = true;
  // 1 necrosis and non-enhancing tumour, 2 oedema, 4 (stored as 3) enhancing tumour.
  Reader brats =
      make_reader("brats", "BraTS, four modalities", {192, 192}, {"background", "NCR", "ED", "ET"},
                  {{"WT", {1, 2, 3}}, {"ET", {3}}, {"TC", {1, 3}}}, find_brats);
  brats.options.slicing.label_values = {{4, 3}};
  Reader acdc =
      make_reader("acdc", "ACDC, labelled frames", {128, 128}, {"background", "RV", "MC", "LV"},
                  {{"T", {1, 2, 3}}, {"LV", {3}}, {"RV", {1}}, {"MC", {2}}}, find_acdc);
  Reader covid =
      make_reader("covid", "COVID-19-CT with lung and infection masks", {512, 512},
                  {"background", "LL", "RL", "Lesion"},
                  {{"T", {1, 2, 3}}, {"LL", {1}}, {"RL", {2}}, {"Lesion", {3}}}, find_covid);
  // The released code keeps slices whose label values sum to more than 100.
  for (Reader* one : {&brats, &acdc, &covid}) one->options.slicing.label_sum_above = 100;
  return {oasis, brats, acdc, covid};
}

}  // namespace

const std::vector<Reader>& readers() {
  static const std::vector<Reader> all = make_readers();
  return all;
}

const Reader& reader(const std::string& name) {
  std::vector<std::string> names;
  for (const Reader& one : readers()) {
    if (one.name == name) return one;
    names.push_back(one.name);
  }
  throw_invalid("importer \"" + name + "\" is unknown" + sweep::nearest_hint(name, names));
}

ImportReport import_folder(const std::string& importer, const fs::path& root,
                           const ImportOptions& options, const fs::path& out) {
  return import_items(importer, root, reader(importer).find(root), options, out);
}

}  // namespace reprise::datasets
