#include <boost/json.hpp>
#include <map>

#include "datasets_h5/dataset_file.h"
#include "orchestrator/cli/prepare.h"

namespace reprise::cli {

std::string dataset_facts(const std::filesystem::path& path, const std::string& recipe) {
  namespace json = boost::json;
  const datasets::DatasetInfo info = datasets::info(path);
  std::map<int, std::int64_t> slices;
  for (const int subject : info.slice_subject) ++slices[subject];
  json::array subjects;
  std::map<std::string, std::int64_t> split;
  for (std::size_t i = 0; i < info.subjects.size(); ++i) {
    const datasets::SubjectRecord& subject = info.subjects[i];
    const std::int64_t count = slices[static_cast<int>(i)];
    split[subject.split] += count;
    subjects.push_back(
        {{"id", subject.id},
         {"split", subject.split},
         {"slices", count},
         {"voxel_mm", json::array(subject.voxel_mm.begin(), subject.voxel_mm.end())}});
  }
  json::array groups;
  for (const datasets::LabelGroup& group : info.label_groups) groups.emplace_back(group.name);
  json::object facts{{"importer", info.importer},
                     {"slices", info.count},
                     {"height", info.height},
                     {"width", info.width},
                     {"channels", info.channels},
                     {"labels", json::array(info.label_names.begin(), info.label_names.end())},
                     {"label_groups", std::move(groups)},
                     {"source_files", info.sources.size()}};
  for (const auto& [name, count] : split) facts[name + "_slices"] = count;
  facts["recipe"] = json::parse(recipe);
  facts["subjects"] = std::move(subjects);
  return json::serialize(facts);
}

}  // namespace reprise::cli
