#pragma once
/// From folders of volumes to a Reprise data set. The same input gives the same content digest.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets_h5/slicing.h"
#include "datasets_h5/split.h"

namespace reprise::datasets {

struct ImportOptions {
  std::string name;     ///< Of the data set; empty takes the output file's stem.
  SlicingRule slicing;  ///< Size, axis and which slices are dropped.
  SplitRule split;
  std::vector<std::string> label_names;  ///< With the background at 0; empty makes names up.
  std::vector<LabelGroup> label_groups;  ///< Empty: all together, then each label alone.
  bool allow_missing_label = false;      ///< Generic importer: an empty label column is all 0.
};

struct ImportReport {
  std::string digest;
  int train_subjects = 0;
  int test_subjects = 0;
  int train_slices = 0;
  int test_slices = 0;
  int channels = 0;
  int height = 0;
  int width = 0;
};

/// The options that the paper uses for OASIS-1: 160 x 128 (margins of 24 off 208 x 176), slices
/// along z, empty ones dropped, and the names of FAST's tissues.
ImportOptions oasis_options();

/// Imports the OASIS-1 layout below `root`, at any depth:
/// `<ID>/PROCESSED/MPRAGE/T88_111/*masked_gfc.{hdr,nii,nii.gz}` and
/// `<ID>/FSL_SEG/*masked_gfc_fseg.*`. Errors: InvalidInput (no subject, missing or doubled file,
/// bad split), Corrupt (damaged volume).
ImportReport import_oasis(const std::filesystem::path& root, const ImportOptions& options,
                          const std::filesystem::path& out);

/// Imports the volumes that a CSV lists, one a row, with the columns subject, split, image, label
/// in any order. Paths are relative to `root`; several channels of one volume are joined with ';'.
/// A subject may have several rows (frames): each is normalised by itself. The split column may be
/// empty or absent if `options.split` divides the subjects.
/// Errors: InvalidInput (naming the CSV's line), Corrupt (damaged volume).
ImportReport import_generic(const std::filesystem::path& csv, const std::filesystem::path& root,
                            const ImportOptions& options, const std::filesystem::path& out);

/// One volume to import, as every importer describes it. Paths are relative to the root.
struct ImportItem {
  std::string id;
  std::string split;
  std::vector<std::string> images;
  std::string label;  ///< Empty: no label.
};

/// What the importers share: reads, slices, checks for leaks, writes.
ImportReport import_items(const std::string& importer, const std::filesystem::path& root,
                          const std::vector<ImportItem>& items, const ImportOptions& options,
                          const std::filesystem::path& out);

}  // namespace reprise::datasets
