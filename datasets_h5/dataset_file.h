#pragma once
/// The Reprise data set: one HDF5 file of preprocessed slices (format: FORMAT.md).
///
/// A file is immutable: written once, renamed into place, and known by the SHA-256 of its content,
/// which does not depend on how HDF5 laid the bytes out.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "datasets_h5/element.h"

namespace reprise::datasets {

constexpr int kFormatVersion = 2;

/// A file that the data set was made of; `path` is relative to the importer's root.
struct SourceFile {
  std::string path;
  std::string sha256;
};

/// A region that Dice is reported for, as the union of some labels: BraTS' tumour core is {1, 3}.
struct LabelGroup {
  std::string name;         ///< Column `Dice-<name>` of the tables.
  std::vector<int> labels;  ///< Indexes into `label_names`, ascending, never 0.
  friend bool operator==(const LabelGroup&, const LabelGroup&) = default;
};

/// The groups of a data set that names none: "T" for all labels together, then each label alone.
std::vector<LabelGroup> default_label_groups(const std::vector<std::string>& label_names);

/// One volume of the data set. Vectors have one entry a channel.
struct SubjectRecord {
  std::string id;
  std::string split;          ///< "train" or "test".
  std::vector<double> slope;  ///< Scaled value = stored value * slope + intercept.
  std::vector<double> intercept;
  std::vector<double> minimum;  ///< Smallest scaled value over the kept slices, before cropping.
  std::vector<double> maximum;
  std::array<double, 3> voxel_mm{1, 1, 1};  ///< Source grid x, y, z.
};

/// Everything about a data set but its pixels.
struct DatasetInfo {
  std::string name;
  std::string importer;                  ///< "oasis", "generic", ...
  std::string options;                   ///< The importer's options as JSON.
  std::vector<std::string> label_names;  ///< Name of label i at index i; 0 is the background.
  std::vector<LabelGroup> label_groups;  ///< In the order that tables show them.
  std::vector<SourceFile> sources;
  Element element = Element::Int16;
  int count = 0;  ///< Slices N.
  int channels = 0;
  int height = 0;
  int width = 0;
  std::vector<int> slice_subject;  ///< [N], index into `subjects`.
  std::vector<SubjectRecord> subjects;
  std::string digest;  ///< content_digest, 64 hexadecimal digits.
};

/// A whole data set in memory, as an importer makes it.
struct Dataset {
  DatasetInfo info;
  std::vector<float> images;         ///< [N, C, H, W], raw values in the range of `info.element`.
  std::vector<std::uint8_t> labels;  ///< [N, H, W].
};

/// One split, without its pixels: those come a slice at a time (split_reader.h).
struct Slices {
  int count = 0;
  int channels = 0;
  int height = 0;
  int width = 0;
  std::vector<int> subject;              ///< [N], index into `subject_ids`.
  std::vector<std::string> subject_ids;  ///< Only the subjects of this split.
  std::vector<std::string> label_names;
  std::vector<LabelGroup> label_groups;
  std::string digest;  ///< Of the whole file.
};

/// Writes atomically and returns the content digest. Sizes that disagree are a bug of the caller.
/// Errors: Unavailable, Exhausted (disk).
std::string write_dataset(const std::filesystem::path& path, const Dataset& dataset);

/// A data set file whose metadata has been read and checked: version, types, and every shape
/// against the others. Methods may be called from any thread; HDF5 runs one call at a time.
class DatasetFile {
 public:
  /// Errors: InvalidInput (missing; another format version), Corrupt (anything else).
  static DatasetFile open(const std::filesystem::path& path);

  [[nodiscard]] const DatasetInfo& info() const { return info_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Recomputes the content digest. Errors: Corrupt.
  void verify() const;

 private:
  std::filesystem::path path_;
  DatasetInfo info_;
};

/// The same in one call.
DatasetInfo info(const std::filesystem::path& path);
void verify(const std::filesystem::path& path);

}  // namespace reprise::datasets
