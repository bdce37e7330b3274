#include "orchestrator/cli/prepare.h"

#include <iostream>

#include "datasets_h5/dataset_file.h"
#include "datasets_h5/import_report.h"
#include "datasets_h5/importer.h"
#include "datasets_h5/phantom.h"
#include "orchestrator/cli/import_options.h"
#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;

fs::path dataset_path(const sweep::DatasetSpec& spec, const fs::path& workspace) {
  std::string recipe = spec.recipe() + std::to_string(datasets::kFormatVersion);
  // An edited list is another data set.
  if (!spec.list.empty()) recipe += read_file(spec.list);
  if (spec.split.ends_with(".csv")) recipe += read_file(spec.split);
  return workspace / "datasets" / (spec.name + "-" + sha256_hex(recipe).substr(0, 12) + ".h5");
}

datasets::ImportOptions options_of(const sweep::DatasetSpec& spec) {
  datasets::ImportOptions options = import_options(spec);
  options.progress = datasets::progress_bar("data set " + spec.name);
  return options;
}

/// A phantom is written as raw volumes first and then imported like a distributor's data.
void import_phantom(const sweep::DatasetSpec& spec, const fs::path& out) {
  fs::path raw = out;
  raw.replace_extension("raw");
  std::error_code ignored;
  fs::remove_all(raw, ignored);
  datasets::PhantomOptions options;
  options.kind = spec.kind;
  options.subjects = static_cast<int>(spec.subjects);
  options.size = {static_cast<int>(spec.volume[0]), static_cast<int>(spec.volume[1]),
                  static_cast<int>(spec.volume[2])};
  options.seed = static_cast<std::uint64_t>(spec.seed);
  datasets::write_phantom(raw, options);
  (void)datasets::import_folder(importer_of(spec), raw, options_of(spec), out);
  fs::remove_all(raw, ignored);
}

struct ImportJob {
  const sweep::DatasetSpec& spec;
  const fs::path& out;
};

void run_import(const void* argument) {
  const ImportJob& job = *static_cast<const ImportJob*>(argument);
  const sweep::DatasetSpec& spec = job.spec;
  if (spec.importer == "phantom") {
    import_phantom(spec, job.out);
    return;
  }
  const datasets::ImportOptions options = options_of(spec);
  const datasets::ImportReport report =
      spec.importer == "generic"
          ? datasets::import_generic(spec.list, spec.source, options, job.out)
          : datasets::import_folder(spec.importer, spec.source, options, job.out);
  datasets::print_report(std::cerr, job.out, report);
}

}  // namespace

bool find_dataset(const sweep::DatasetSpec& spec, const fs::path& workspace,
                  PreparedDataset& found) {
  const fs::path path = dataset_path(spec, workspace);
  if (!fs::exists(path)) return false;
  found = {.digest = datasets::info(path).digest, .path = path};
  return true;
}

PreparedDataset prepare_dataset(const sweep::DatasetSpec& spec, const fs::path& workspace) {
  PreparedDataset prepared;
  if (find_dataset(spec, workspace, prepared)) return prepared;
  if (spec.importer != "phantom" && spec.source.empty()) {
    throw_invalid(spec.place.text() + ": data set \"" + spec.name +
                  "\" has no source folder: give --source " + spec.name +
                  "=FOLDER, or set datasets." + spec.name + ".source in the study");
  }
  const fs::path path = dataset_path(spec, workspace);
  const ImportJob job{.spec = spec, .out = path};
  run_limited("data set \"" + spec.name + "\"", run_import, &job);
  REPRISE_CHECK(find_dataset(spec, workspace, prepared));
  return prepared;
}

}  // namespace reprise::cli
