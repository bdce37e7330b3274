#include "db/maintenance.h"

#include "db/rows.h"
#include "db/schema.h"
#include "db/sqlite.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/json.h"

namespace reprise::db {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kProblemsMax = 100;

class Checker {
 public:
  explicit Checker(Connection& connection) : connection_(connection) {}

  CheckReport run() {
    sqlite_itself();
    results();
    attempts();
    return std::move(report_);
  }

 private:
  void add(std::string problem) {
    if (report_.problems.size() < kProblemsMax) report_.problems.push_back(std::move(problem));
  }

  void sqlite_itself() {
    Statement integrity(connection_, "PRAGMA integrity_check(100)");
    while (integrity.step()) {
      if (integrity.text(0) != "ok") add("integrity: " + integrity.text(0));
    }
    Statement keys(connection_, "PRAGMA foreign_key_check");
    while (keys.step()) {
      add("table " + keys.text(0) + ", row " + std::to_string(keys.integer(1)) +
          ": refers to a row of " + keys.text(2) + " that is not there");
    }
  }

  void results() {
    Statement query(connection_, "SELECT stage, body, sha256 FROM results ORDER BY stage");
    while (query.step()) {
      ++report_.results;
      const std::string stage = query.text(0);
      const std::string body = query.text(1);
      const std::string where = "result of stage " + stage;
      if (row_hash(stage, body) != query.text(2)) {
        add(where + ": the row does not match its hash");
        continue;
      }
      try {
        const boost::json::value value = sweep::parse_json(body, where);
        if (!value.is_object()) throw_corrupt(where + ": not an object");
        metrics(stage, metric_rows(value.get_object(), stage));
      } catch (const Error& error) {
        if (error.code() != ErrorCode::Corrupt && error.code() != ErrorCode::InvalidInput) throw;
        add(error.what());
      }
    }
  }

  /// The rows that SQL sees say what the hashed body says.
  void metrics(const std::string& stage, const std::vector<MetricRow>& wanted) {
    Statement query(connection_,
                    "SELECT name, subject, slice, value FROM metrics WHERE stage=?"
                    " ORDER BY name, subject, slice");
    query.bind(stage);
    std::size_t count = 0;
    bool equal = true;
    for (; query.step(); ++count) {
      if (count >= wanted.size()) continue;
      const MetricRow& row = wanted[count];
      const bool null = query.type(3) == ValueType::Null;
      equal = equal && row.name == query.text(0) && row.subject == query.text(1) &&
              row.slice == query.integer(2) && null != row.value.has_value() &&
              (null || *row.value == query.real(3));
    }
    if (equal && count == wanted.size()) return;
    add("table metrics: the rows of stage " + stage + " are not those of its result");
  }

  void attempts() {
    Statement query(connection_,
                    "SELECT r.stage FROM results r LEFT JOIN attempts a ON a.fence=r.fence"
                    " WHERE a.stage IS NOT r.stage OR a.outcome IS NOT 'done'");
    while (query.step()) add("result of stage " + query.text(0) + ": its attempt is not done");
  }

  Connection& connection_;
  CheckReport report_;
};

}  // namespace

void backup(const fs::path& file, const fs::path& to) {
  std::error_code ignored;
  if (fs::exists(to, ignored)) {
    throw_invalid(to.string() + ": is there already: choose another name for the backup");
  }
  Connection source(file, Access::ReadOnly);
  prepare_schema(source, Access::ReadOnly);
  AtomicFile copy(to);
  Statement(source, "VACUUM INTO ?").bind(copy.temporary().string()).run();
  const CheckReport report = check(copy.temporary());
  if (!report.problems.empty()) {
    throw_corrupt(file.string() + ": not backed up: " + report.problems.front() +
                  " (reprise db check lists everything)");
  }
  copy.commit();
}

CheckReport check(const fs::path& file) {
  try {
    Connection connection(file, Access::ReadOnly);
    prepare_schema(connection, Access::ReadOnly);
    return Checker(connection).run();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Corrupt) throw;
    return {.results = 0, .problems = {error.what()}};
  }
}

VacuumReport vacuum(const fs::path& file) {
  VacuumReport report;
  (void)Connection(file, Access::ReadOnly);  // ReadWrite alone would create a missing file.
  Connection connection(file, Access::ReadWrite);
  prepare_schema(connection, Access::ReadWrite);
  connection.checkpoint(true);
  report.bytes_before = fs::file_size(file);
  connection.execute("VACUUM");
  connection.checkpoint(true);
  report.bytes_after = fs::file_size(file);
  return report;
}

}  // namespace reprise::db
