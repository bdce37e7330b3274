#include <algorithm>
#include <map>
#include <sstream>

#include "datasets_h5/importer.h"
#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

/// Splits a CSV line (RFC 4180 quotes, no line breaks inside a field).
std::vector<std::string> split_fields(const std::string& line, char separator) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"') {
        fields.back() += line[i++];
      } else {
        quoted = !quoted;
      }
    } else if (line[i] == separator && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

struct Row {
  std::map<std::string, std::string> values;
  std::string where;  ///< "file.csv:7".
};

std::vector<Row> read_csv(const fs::path& csv) {
  std::istringstream lines(read_file(csv));
  std::vector<std::string> header;
  std::vector<Row> rows;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (line.empty()) continue;
    const std::string where = csv.string() + ":" + std::to_string(number);
    const std::vector<std::string> fields = split_fields(line, ',');
    if (header.empty()) {
      header = fields;
      for (const char* column : {"subject", "image", "label"}) {
        if (std::find(header.begin(), header.end(), column) == header.end()) {
          throw_invalid(where + ": column \"" + column + "\" is missing");
        }
      }
      continue;
    }
    if (fields.size() != header.size()) {
      throw_invalid(where + ": " + std::to_string(fields.size()) + " fields, the header has " +
                    std::to_string(header.size()));
    }
    Row row;
    row.where = where;
    for (std::size_t i = 0; i < fields.size(); ++i) row.values[header[i]] = fields[i];
    rows.push_back(std::move(row));
  }
  if (rows.empty()) throw_invalid(csv.string() + ": no rows");
  return rows;
}

ImportItem to_item(Row& row, const ImportOptions& options, bool drawn) {
  ImportItem item;
  item.id = row.values["subject"];
  item.split = row.values["split"];
  item.label = row.values["label"];
  item.images = split_fields(row.values["image"], ';');
  if (item.id.empty() || item.id.find('#') != std::string::npos) {
    throw_invalid(row.where + ": subject must not be empty or hold '#'");
  }
  for (const std::string& image : item.images) {
    if (image.empty()) throw_invalid(row.where + ": image is empty");
  }
  if (item.label.empty() && !options.allow_missing_label) {
    throw_invalid(row.where + ": label is empty: allow missing labels to import images only");
  }
  if (!drawn && item.split != "train" && item.split != "test") {
    throw_invalid(row.where + ": split \"" + item.split + "\" is neither train nor test");
  }
  if (drawn && !item.split.empty()) {
    throw_invalid(row.where + ": has a split, but a split rule was given as well");
  }
  return item;
}

}  // namespace

ImportReport import_generic(const fs::path& csv, const fs::path& root, const ImportOptions& options,
                            const fs::path& out) {
  std::vector<Row> rows = read_csv(csv);
  const bool drawn = !options.split.test_subjects.empty() || options.split.test_count > 0;
  std::vector<ImportItem> items;
  std::map<std::string, int> seen;
  for (Row& row : rows) {
    ImportItem item = to_item(row, options, drawn);
    const int repeat = ++seen[item.id];
    if (repeat > 1) item.id.append("#").append(std::to_string(repeat));
    items.push_back(std::move(item));
  }
  if (drawn) {
    std::vector<std::string> ids;
    for (const ImportItem& item : items) ids.push_back(item.id);
    const std::vector<std::string> splits = assign_splits(ids, options.split);
    for (std::size_t i = 0; i < items.size(); ++i) items[i].split = splits[i];
  }
  return import_items("generic", root, items, options, out);
}

}  // namespace reprise::datasets
