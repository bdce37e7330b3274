#include "orchestrator/cli/results_export.h"

#include <cstdio>
#include <memory>

#include "db/query.h"
#include "orchestrator/cli/query_output.h"
#include "sweep/error.h"
#include "sweep/files.h"

namespace reprise::cli {
namespace {

constexpr const char* kValues = R"sql(
SELECT t.study, t.trial, r.label, p.dataset, t.stage, m.name AS metric, m.subject, m.slice, m.value
  FROM trial_stages t
  JOIN trials r ON r.study = t.study AND r.name = t.trial
  JOIN study_stages p ON p.study = t.study AND p.stage = t.stage
  JOIN metrics m ON m.stage = t.stage
UNION ALL
SELECT t.study, t.trial, r.label, p.dataset, t.stage, s.key, NULL, NULL, s.value
  FROM trial_stages t
  JOIN trials r ON r.study = t.study AND r.name = t.trial
  JOIN study_stages p ON p.study = t.study AND p.stage = t.stage
  JOIN results b ON b.stage = t.stage, json_each(b.body, '$.scalars') s
  WHERE t.role IN ('evaluate', 'profile')
ORDER BY 1, 2, 6, 7, 8)sql";

struct CloseFile {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

}  // namespace

bool is_results_file(const std::string& argument) {
  return argument.ends_with(".csv") || argument.ends_with(".json");
}

void export_results(const std::filesystem::path& database, const std::string& target) {
  if (!is_results_file(target)) {
    throw_invalid("export " + target + ": must end in .csv or .json");
  }
  AtomicFile written(target);
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(written.temporary().c_str(), "wb"));
  if (file == nullptr) throw Error(ErrorCode::Unavailable, target + ": cannot be written");
  const auto out = make_query_output(target.ends_with(".csv") ? "csv" : "json", file.get());
  db::query(
      database, kValues, [&](const auto& names) { out->header(names); },
      [&](const auto& row) { out->row(row); });
  out->finish();
  const bool failed = std::ferror(file.get()) != 0;
  if (std::fclose(file.release()) != 0 || failed) {
    throw Error(ErrorCode::Exhausted, target + ": cannot be written in full: is the disk full?");
  }
  written.commit();
}

}  // namespace reprise::cli
