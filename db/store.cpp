#include "db/store.h"

#include <algorithm>
#include <chrono>
#include <exception>

#include "db/rows.h"
#include "db/schema.h"
#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise::db {
namespace {

constexpr int kCommitsPerCheckpoint = 64;

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void put_event(Connection& connection, const std::string& kind, const std::string& text,
               const std::string& who) {
  Statement(connection, "INSERT INTO events(time, kind, text, who) VALUES(?,?,?,?)")
      .bind(now_ms())
      .bind(kind)
      .bind(text)
      .bind(who)
      .run();
}

/// What an attempt warns of in its result: texts of "provenance"."warnings"; anything else is
/// passed over.
std::vector<std::string> warnings_of(const boost::json::object& body) {
  const boost::json::value* at = body.if_contains("provenance");
  at = at != nullptr && at->is_object() ? at->get_object().if_contains("warnings") : nullptr;
  std::vector<std::string> texts;
  if (at == nullptr || !at->is_array()) return texts;
  for (const boost::json::value& text : at->get_array()) {
    if (text.is_string()) texts.emplace_back(text.get_string());
  }
  return texts;
}

}  // namespace

Store::Store(const std::filesystem::path& file, Access access) : access_(access) {
  std::error_code ignored;
  if (access == Access::ReadWrite) std::filesystem::create_directories(file.parent_path(), ignored);
  connection_ = std::make_unique<Connection>(file, access);
  prepare_schema(*connection_, access);
}

Store::~Store() {
  if (access_ == Access::ReadOnly) return;
  try {
    connection_->checkpoint(true);
  } catch (const std::exception&) {
    // What was committed is in the log and stays there: the next open reads it.
  }
}

void Store::committed() {
  if (connection_->in_transaction()) return;
  if (++commits_ % kCommitsPerCheckpoint != 0) return;
  try {
    connection_->checkpoint(false);
  } catch (const Error& error) {
    // What was committed is in the log and stays there: that the disk is full now undoes nothing.
    if (error.code() != ErrorCode::Exhausted && error.code() != ErrorCode::Unavailable) throw;
  }
}

void Store::put_dataset(const std::string& name, const std::string& digest, const std::string& path,
                        const std::string& info_json) {
  Statement(*connection_, "INSERT OR REPLACE INTO datasets VALUES(?,?,?,?)")
      .bind(name)
      .bind(digest)
      .bind(path)
      .bind(info_json)
      .run();
  committed();
}

std::vector<DatasetRow> Store::datasets() const {
  Statement query(*connection_, "SELECT name, digest, path, info FROM datasets ORDER BY name");
  std::vector<DatasetRow> rows;
  while (query.step()) {
    rows.push_back({query.text(0), query.text(1), query.text(2), query.text(3)});
  }
  return rows;
}

bool Store::is_done(const std::string& stage) const {
  Statement query(*connection_, "SELECT 1 FROM results WHERE stage=?");
  query.bind(stage);
  return query.step();
}

std::unordered_set<std::string> Store::all_done() const {
  Statement query(*connection_, "SELECT stage FROM results");
  std::unordered_set<std::string> stages;
  while (query.step()) stages.insert(query.text(0));
  return stages;
}

std::optional<boost::json::object> Store::result(const std::string& stage) const {
  Statement query(*connection_, "SELECT body, sha256 FROM results WHERE stage=?");
  query.bind(stage);
  if (!query.step()) return std::nullopt;
  const std::string body = query.text(0);
  const std::string where = connection_->file().string() + ", result of stage " + stage;
  if (row_hash(stage, body) != query.text(1)) {
    throw_corrupt(where + ": the row does not match its hash: restore a backup of the database");
  }
  boost::json::value value = sweep::parse_json(body, where);
  if (!value.is_object()) throw_corrupt(where + ": not an object");
  return std::move(value.get_object());
}

std::int64_t Store::begin_attempt(const std::string& stage, const std::string& gang,
                                  const std::string& host, const std::string& device, int ranks) {
  Statement(*connection_,
            "INSERT INTO attempts(stage, gang, host, device, ranks, started) VALUES(?,?,?,?,?,?)")
      .bind(stage)
      .bind(gang)
      .bind(host)
      .bind(device)
      .bind(static_cast<std::int64_t>(ranks))
      .bind(now_ms())
      .run();
  const std::int64_t fence = connection_->last_insert_id();
  committed();
  return fence;
}

void Store::end_attempt(std::int64_t fence, const std::string& outcome,
                        const std::string& message) {
  Statement(*connection_,
            "UPDATE attempts SET ended=?, outcome=?, message=? WHERE fence=? AND outcome IS NULL")
      .bind(now_ms())
      .bind(outcome)
      .bind(message)
      .bind(fence)
      .run();
  committed();
}

int Store::end_abandoned_attempts() {
  Statement(*connection_,
            "UPDATE attempts SET ended=?, outcome='handed-back',"
            " message='the coordinator ended first' WHERE outcome IS NULL")
      .bind(now_ms())
      .run();
  return static_cast<int>(connection_->integer("SELECT changes()"));
}

bool Store::commit_result(const std::string& stage, std::int64_t fence,
                          const boost::json::object& body) {
  const std::string text = sweep::canonical_json(body);
  const std::string hash = row_hash(stage, text);
  const std::vector<MetricRow> rows = metric_rows(body, stage);
  Transaction transaction(*connection_);
  {
    Statement old(*connection_, "SELECT fence, sha256 FROM results WHERE stage=?");
    old.bind(stage);
    if (old.step()) return old.integer(0) == fence && old.text(1) == hash;
    Statement newest(*connection_, "SELECT max(fence) FROM attempts WHERE stage=?");
    newest.bind(stage);
    if (!newest.step() || newest.integer(0) != fence) return false;
    Statement open(*connection_, "SELECT 1 FROM attempts WHERE fence=? AND outcome IS NULL");
    open.bind(fence);
    if (!open.step()) return false;
  }
  Statement(*connection_, "INSERT INTO results VALUES(?,?,?,?,?)")
      .bind(stage)
      .bind(fence)
      .bind(text)
      .bind(hash)
      .bind(now_ms())
      .run();
  Statement insert(*connection_,
                   "INSERT INTO metrics(stage,subject,slice,name,value) VALUES(?,?,?,?,?)");
  for (const MetricRow& row : rows) {
    insert.bind(stage).bind(row.subject).bind(row.slice).bind(row.name);
    if (row.value) {
      insert.bind(*row.value);
    } else {
      insert.bind_null();
    }
    insert.run();
  }
  put_result_cost(fence, body);
  for (const std::string& warning : warnings_of(body)) {
    put_event(*connection_, "warning", "stage " + stage + ": " + warning, "coordinator");
  }
  Statement(*connection_, "UPDATE attempts SET ended=?, outcome='done' WHERE fence=?")
      .bind(now_ms())
      .bind(fence)
      .run();
  transaction.commit();
  committed();
  return true;
}

void Store::group(const std::function<void()>& changes) {
  Transaction transaction(*connection_);
  changes();
  transaction.commit();
  committed();
}

int Store::failures(const std::string& stage) const {
  Statement query(*connection_,
                  "SELECT count(*) FROM attempts WHERE stage=?"
                  " AND outcome IN ('failed','lost','revoked')");
  query.bind(stage);
  return query.step() ? static_cast<int>(query.integer(0)) : 0;
}

std::vector<SliceValue> Store::slice_values(const std::string& stage,
                                            const std::string& metric) const {
  std::vector<SliceValue> values;
  const auto body = result(stage);
  if (!body) return values;
  for (const MetricRow& row : metric_rows(*body, stage)) {
    if (row.name != metric || !row.value) continue;
    values.push_back({row.subject, static_cast<int>(row.slice), *row.value});
  }
  return values;
}

std::map<std::string, double> Store::scalars(const std::string& stage) const {
  std::map<std::string, double> values;
  const auto body = result(stage);
  const boost::json::value* found = body ? body->if_contains("scalars") : nullptr;
  if (found == nullptr || !found->is_object()) return values;
  for (const auto& [name, value] : found->get_object()) {
    if (value.is_number()) values.emplace(std::string(name), value.to_number<double>());
  }
  return values;
}

void Store::add_event(const std::string& kind, const std::string& text, const std::string& who) {
  put_event(*connection_, kind, text, who);
  committed();
}

}  // namespace reprise::db
