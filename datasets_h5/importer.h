#pragma once
/// From folders of volumes to a Reprise data set. The same input gives the same content digest.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "datasets_h5/slicing.h"
#include "datasets_h5/split.h"

namespace reprise::datasets {

struct ImportOptions {
  std::string name;     ///< Of the data set; empty takes the output file's stem.
  SlicingRule slicing;  ///< Size, axis, which slices are dropped, what label values become.
  SplitRule split;
  std::vector<std::string> label_names;  ///< With the background at 0; empty makes names up.
  std::vector<LabelGroup> label_groups;  ///< Empty: all together, then each label alone.
  bool allow_missing_label = false;      ///< Generic importer: an empty label column is all 0.
  /// Voxels are used in stored order, so volumes whose axes point elsewhere are refused; the
  /// paper's readers did not look, and take them.
  bool allow_mixed_orientation = false;
  int threads = 0;  ///< Subjects read at once; 0: the cores, at most 8. Not part of the content.
  std::function<void(int done, int total)> progress = [](int, int) {};
};

struct ImportReport {
  std::string importer;
  std::string digest;
  int train_subjects = 0;  ///< Subjects; one with several frames counts once.
  int test_subjects = 0;
  int train_slices = 0;
  int test_slices = 0;
  int channels = 0;
  int height = 0;
  int width = 0;
  std::string split_origin;                 ///< Where the split came from, for people.
  int left_out = 0;                         ///< Volumes in neither split.
  int missing = 0;                          ///< Subjects of the split's list that were not found.
  std::map<std::string, int> orientations;  ///< "LPS" to how many volumes; "" is unknown.
};

/// One volume to import, as every reader describes it. Paths are relative to the root.
struct ImportItem {
  std::string id;
  std::string split;
  std::vector<std::string> images;
  std::string label;  ///< Empty: no label.
};

/// How a distributor hands out its data.
struct Reader {
  std::string name;  ///< "oasis", "brats", "acdc" or "covid".
  std::string help;
  /// The paper's: size, slices, labels.
  ImportOptions options;
  /// Lists the volumes below a folder, at any depth, sorted by id.
  /// Errors: InvalidInput (nothing found, a missing or doubled file, a loop of links).
  std::vector<ImportItem> (*find)(const std::filesystem::path& root);
};
const std::vector<Reader>& readers();
/// Errors: InvalidInput for an unknown name.
const Reader& reader(const std::string& name);

/// Imports what reader `importer` finds below `root`.
/// Errors: InvalidInput (what it finds does not fit, bad split), Corrupt (damaged volume), and
/// those of DatasetWriter. Nothing is written unless everything was right.
ImportReport import_folder(const std::string& importer, const std::filesystem::path& root,
                           const ImportOptions& options, const std::filesystem::path& out);

/// Imports the volumes that a CSV lists, one a row, with the columns subject, split, image, label
/// in any order. Paths are relative to `root`; several channels of one volume are joined with ';'.
/// A subject may have several rows (frames): each is normalised by itself. Where the split column
/// is empty or absent, `options.split` divides the subjects.
/// Errors: InvalidInput (naming the CSV's line), Corrupt (damaged volume).
ImportReport import_generic(const std::filesystem::path& csv, const std::filesystem::path& root,
                            const ImportOptions& options, const std::filesystem::path& out);

/// Adds a region that Dice is reported for, the union of the labels of these names, to the groups
/// of `options` (of its own, or else the default ones); a group of that name is replaced. Errors:
/// InvalidInput (unknown label, naming the nearest; no label at all).
void add_label_group(ImportOptions& options, const std::string& name,
                     const std::vector<std::string>& labels);

/// What the importers share: splits the items without a split, reads, slices, writes.
ImportReport import_items(const std::string& importer, const std::filesystem::path& root,
                          std::vector<ImportItem> items, const ImportOptions& options,
                          const std::filesystem::path& out);

}  // namespace reprise::datasets
