#include <map>

#include "datasets_h5/csv.h"
#include "datasets_h5/importer.h"
#include "sweep/error.h"

namespace reprise::datasets {
namespace {

namespace fs = std::filesystem;

ImportItem to_item(CsvRow& row, const ImportOptions& options) {
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
  if (!item.split.empty() && item.split != "train" && item.split != "test") {
    throw_invalid(row.where + ": split \"" + item.split + "\" is neither train nor test");
  }
  return item;
}

}  // namespace

ImportReport import_generic(const fs::path& csv, const fs::path& root, const ImportOptions& options,
                            const fs::path& out) {
  std::vector<CsvRow> rows = read_csv(csv, {"subject", "image", "label"});
  std::vector<ImportItem> items;
  std::map<std::string, int> seen;
  const std::string first_split = rows.front().values["split"];
  for (CsvRow& row : rows) {
    ImportItem item = to_item(row, options);
    if (item.split.empty() != first_split.empty()) {
      throw_invalid(row.where + ": some rows have a split and some do not");
    }
    const int repeat = ++seen[item.id];
    if (repeat > 1) item.id.append("#").append(std::to_string(repeat));
    items.push_back(std::move(item));
  }
  return import_items("generic", root, std::move(items), options, out);
}

}  // namespace reprise::datasets
