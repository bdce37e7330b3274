#include "datasets_h5/csv.h"

#include <algorithm>
#include <sstream>

#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::datasets {

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

std::vector<CsvRow> read_csv(const std::filesystem::path& path,
                             const std::vector<std::string>& required) {
  std::istringstream lines(read_file(path));
  std::vector<std::string> header;
  std::vector<CsvRow> rows;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (line.empty()) continue;
    const std::string where = path.string() + ":" + std::to_string(number);
    const std::vector<std::string> fields = split_fields(line, ',');
    if (header.empty()) {
      header = fields;
      for (const std::string& column : required) {
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
    CsvRow row;
    row.where = where;
    for (std::size_t i = 0; i < fields.size(); ++i) row.values[header[i]] = fields[i];
    rows.push_back(std::move(row));
  }
  if (rows.empty()) throw_invalid(path.string() + ": no rows");
  return rows;
}

}  // namespace reprise::datasets
