#include "datasets_h5/dataset_metadata.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr const char* kNumbers[] = {"slope", "intercept", "minimum", "maximum"};

std::vector<double>& numbers_of(SubjectRecord& subject, int which) {
  std::vector<double>* fields[] = {&subject.slope, &subject.intercept, &subject.minimum,
                                   &subject.maximum};
  return *fields[which];
}

/// Reads and cross-checks the metadata; `fail` throws Corrupt with the file's name.
class MetadataReader {
 public:
  MetadataReader(const fs::path& path, const h5::File& file) : path_(path), file_(file) {}

  DatasetInfo read() {
    DatasetInfo info;
    require(file_.read_attribute("format") == "reprise-dataset", "not a Reprise data set");
    const std::string version = file_.read_attribute("format_version");
    if (version != std::to_string(kFormatVersion)) {
      throw_invalid(path_.string() + ": format version " + version + ", this program reads " +
                    std::to_string(kFormatVersion) + ": import the data again");
    }
    info.name = file_.read_attribute("name");
    info.importer = file_.read_attribute("importer");
    info.options = file_.read_attribute("options");
    info.digest = file_.read_attribute("content_digest");
    require(info.digest.size() == 64, "content_digest is not a SHA-256");
    read_label_names(info);
    read_label_groups(info);
    if (file_.has("source_path")) read_sources(info);
    read_shapes(info);
    read_subjects(info);
    return info;
  }

 private:
  void require(bool condition, const char* what) const {
    if (!condition) throw_corrupt(path_.string() + ": damaged data set: " + what);
  }

  void read_label_names(DatasetInfo& info) const {
    boost::system::error_code error;
    const json::value names = json::parse(file_.read_attribute("label_names"), error);
    require(!error && names.is_array(), "label_names is not a JSON list");
    for (const json::value& name : names.as_array()) {
      require(name.is_string(), "label_names holds something other than text");
      info.label_names.emplace_back(name.as_string().c_str());
    }
    require(!info.label_names.empty() && info.label_names.size() <= 256, "wrong label_names");
  }

  void read_label_groups(DatasetInfo& info) const {
    boost::system::error_code error;
    const json::value groups = json::parse(file_.read_attribute("label_groups"), error);
    require(!error && groups.is_array(), "label_groups is not a JSON list");
    for (const json::value& entry : groups.as_array()) {
      require(entry.is_object(), "label_groups holds something other than objects");
      const json::value* name = entry.as_object().if_contains("name");
      const json::value* labels = entry.as_object().if_contains("labels");
      require(name != nullptr && name->is_string() && labels != nullptr && labels->is_array(),
              "a label group lacks its name or labels");
      LabelGroup& group = info.label_groups.emplace_back();
      group.name = name->as_string().c_str();
      for (const json::value& label : labels->as_array()) {
        require(label.is_int64() && label.as_int64() > 0 &&
                    label.as_int64() < static_cast<std::int64_t>(info.label_names.size()),
                "a label group holds a label without a name");
        group.labels.push_back(static_cast<int>(label.as_int64()));
      }
    }
  }

  void read_sources(DatasetInfo& info) const {
    const std::vector<std::string> paths = file_.read_strings("source_path");
    const std::vector<std::string> digests = file_.read_strings("source_sha256");
    require(paths.size() == digests.size(), "source_path and source_sha256 differ in length");
    for (std::size_t i = 0; i < paths.size(); ++i) info.sources.push_back({paths[i], digests[i]});
  }

  void read_shapes(DatasetInfo& info) const {
    const h5::Shape shape = file_.shape("images");
    require(shape.size() == 4, "/images is not [N, C, H, W]");
    for (const hsize_t side : shape) require(side <= 1'000'000'000, "/images is too large");
    info.count = static_cast<int>(shape[0]);
    info.channels = static_cast<int>(shape[1]);
    info.height = static_cast<int>(shape[2]);
    info.width = static_cast<int>(shape[3]);
    require(file_.shape("labels") == h5::Shape{shape[0], shape[2], shape[3]},
            "/labels does not match /images");
    require(file_.has_type("labels", H5T_STD_U8LE), "/labels is not uint8");
    require(file_.shape("slice_subject") == h5::Shape{shape[0]},
            "/slice_subject does not match /images");
    bool known = false;
    for (const Element element :
         {Element::UInt8, Element::Int16, Element::UInt16, Element::Float32}) {
      if (!file_.has_type("images", type_of(element))) continue;
      info.element = element;
      known = true;
    }
    require(known, "/images has an unknown number type");
  }

  void read_subjects(DatasetInfo& info) const {
    const std::vector<std::string> ids = file_.read_strings("subject_id");
    const std::vector<std::string> splits = file_.read_strings("subject_split");
    require(ids.size() == splits.size(), "subject_id and subject_split differ in length");
    info.subjects.resize(ids.size());
    const hsize_t subjects = ids.size();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      require(splits[i] == "train" || splits[i] == "test", "split is neither train nor test");
      info.subjects[i].id = ids[i];
      info.subjects[i].split = splits[i];
    }
    const h5::Shape shape{subjects, extent(info.channels)};
    for (int which = 0; which < 4; ++which) {
      const std::vector<double> values =
          read_doubles(std::string("subject_") + kNumbers[which], shape);
      for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto* first = values.data() + i * info.channels;
        numbers_of(info.subjects[i], which).assign(first, first + info.channels);
      }
    }
    const std::vector<double> voxel_mm = read_doubles("subject_voxel_mm", {subjects, 3});
    for (std::size_t i = 0; i < ids.size(); ++i) {
      std::copy_n(&voxel_mm[3 * i], 3, info.subjects[i].voxel_mm.begin());
      for (int c = 0; c < info.channels; ++c) {
        require(info.subjects[i].maximum[c] > info.subjects[i].minimum[c],
                "a subject's maximum is not above its minimum");
      }
    }
    info.slice_subject.resize(info.count);
    file_.read_all("slice_subject", H5T_NATIVE_INT32, {extent(info.count)},
                   info.slice_subject.data());
    for (const int subject : info.slice_subject) {
      require(subject >= 0 && static_cast<hsize_t>(subject) < subjects,
              "/slice_subject points at no subject");
    }
  }

  std::vector<double> read_doubles(const std::string& name, const h5::Shape& shape) const {
    require(file_.shape(name.c_str()) == shape, (name + " has a wrong shape").c_str());
    std::vector<double> values(shape[0] * shape[1]);
    file_.read_all(name.c_str(), H5T_NATIVE_DOUBLE, shape, values.data());
    for (const double value : values) require(std::isfinite(value), (name + ": NaN").c_str());
    return values;
  }

  const fs::path& path_;
  const h5::File& file_;
};

}  // namespace

hid_t type_of(Element element) {
  switch (element) {
    case Element::UInt8:
      return H5T_STD_U8LE;
    case Element::Int16:
      return H5T_STD_I16LE;
    case Element::UInt16:
      return H5T_STD_U16LE;
    case Element::Float32:
      return H5T_IEEE_F32LE;
  }
  return H5I_INVALID_HID;
}

h5::Shape image_shape(const DatasetInfo& info) {
  return {extent(info.count), extent(info.channels), extent(info.height), extent(info.width)};
}

void write_metadata(h5::File& file, const DatasetInfo& info, const std::string& digest) {
  json::array labels(info.label_names.begin(), info.label_names.end());
  file.write_attribute("format", "reprise-dataset");
  file.write_attribute("format_version", std::to_string(kFormatVersion));
  file.write_attribute("name", info.name);
  file.write_attribute("importer", info.importer);
  file.write_attribute("options", info.options);
  file.write_attribute("label_names", json::serialize(labels));
  json::array groups;
  for (const LabelGroup& group : info.label_groups) {
    groups.push_back(json::object{
        {"name", group.name}, {"labels", json::array(group.labels.begin(), group.labels.end())}});
  }
  file.write_attribute("label_groups", json::serialize(groups));
  file.write_attribute("content_digest", digest);
  std::vector<std::string> paths;
  std::vector<std::string> digests;
  for (const SourceFile& source : info.sources) {
    paths.push_back(source.path);
    digests.push_back(source.sha256);
  }
  if (!paths.empty()) {
    file.write_strings("source_path", paths);
    file.write_strings("source_sha256", digests);
  }
  std::vector<std::string> ids;
  std::vector<std::string> splits;
  std::vector<double> voxel_mm;
  for (const SubjectRecord& subject : info.subjects) {
    ids.push_back(subject.id);
    splits.push_back(subject.split);
    voxel_mm.insert(voxel_mm.end(), subject.voxel_mm.begin(), subject.voxel_mm.end());
  }
  file.write_strings("subject_id", ids);
  file.write_strings("subject_split", splits);
  const hsize_t subjects = info.subjects.size();
  file.write_all("subject_voxel_mm", H5T_IEEE_F64LE, {subjects, 3}, voxel_mm.data());
  for (int which = 0; which < 4; ++which) {
    std::vector<double> values;
    for (SubjectRecord subject : info.subjects) {
      const std::vector<double>& channel = numbers_of(subject, which);
      REPRISE_CHECK(channel.size() == static_cast<std::size_t>(info.channels));
      values.insert(values.end(), channel.begin(), channel.end());
    }
    const std::string name = std::string("subject_") + kNumbers[which];
    file.write_all(name.c_str(), H5T_IEEE_F64LE, {subjects, extent(info.channels)}, values.data());
  }
  file.write_all("slice_subject", H5T_STD_I32LE, {extent(info.count)}, info.slice_subject.data());
}

DatasetInfo read_metadata(const fs::path& path, const h5::File& file) {
  return MetadataReader(path, file).read();
}

}  // namespace reprise::datasets
