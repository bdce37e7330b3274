#include "db/sqlite.h"

#include <sqlite3.h>

#include <new>

#include "sweep/error.h"

namespace reprise::db {
namespace {

constexpr int kBusyMilliseconds = 5000;

ErrorCode meaning(int code, bool is_foreign_sql) {
  switch (code & 0xff) {
    case SQLITE_ERROR:
      return is_foreign_sql ? ErrorCode::InvalidInput : ErrorCode::Corrupt;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::Corrupt;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return ErrorCode::Exhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::Unavailable;
    default:
      return ErrorCode::Internal;
  }
}

}  // namespace

Connection::Connection(const std::filesystem::path& file, Access access) : file_(file) {
  std::error_code ignored;
  if (access == Access::ReadOnly && !std::filesystem::exists(file, ignored)) {
    throw_invalid(file.string() +
                  ": no such results database: run a study in this workspace first");
  }
  const int flags = access == Access::ReadOnly ? SQLITE_OPEN_READONLY
                                               : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(file.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    const std::string why = sqlite3_errstr(code);
    sqlite3_close(handle_);
    throw Error(meaning(code, false), file.string() + ": cannot open the results database: " + why);
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
}

Connection::~Connection() {
  for (const auto& [sql, statements] : idle_) {
    for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
  }
  sqlite3_close(handle_);
}

void Connection::fail(int code, std::string_view doing) const {
  throw Error(meaning(code, is_foreign_sql_),
              file_.string() + ": " + std::string(doing) + ": " + sqlite3_errmsg(handle_));
}

void Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, "cannot execute");
}

std::int64_t Connection::integer(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

void Connection::checkpoint(bool truncate) {
  const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, nullptr, nullptr);
  // A reader in the way is no failure: the next checkpoint does the work.
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) fail(code, "cannot checkpoint");
}

void Connection::allow_select_only() {
  // Their first use declares their columns, which the check below would take for CREATE TABLE.
  execute("SELECT 1 FROM json_each('[]'), json_tree('[]')");
  const auto decide = [](void*, int action, const char*, const char*, const char*, const char*) {
    switch (action) {
      case SQLITE_SELECT:
      case SQLITE_READ:
      case SQLITE_FUNCTION:
      case SQLITE_RECURSIVE:
        return SQLITE_OK;
      default:
        return SQLITE_DENY;
    }
  };
  sqlite3_set_authorizer(handle_, decide, nullptr);
  is_foreign_sql_ = true;
}

std::int64_t Connection::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

Statement::Statement(Connection& connection, std::string_view sql)
    : connection_(connection), sql_(sql) {
  const auto idle = connection.idle_.find(sql);
  if (idle != connection.idle_.end() && !idle->second.empty()) {
    handle_ = idle->second.back();
    idle->second.pop_back();
    return;
  }
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v2(connection.handle_, sql.data(), static_cast<int>(sql.size()),
                                      &handle_, &rest);
  if (code != SQLITE_OK) connection.fail(code, "cannot prepare");
  const auto read = static_cast<std::size_t>(rest - sql.data());
  has_more_ = sql.substr(read).find_first_not_of(" \t\r\n;") != std::string_view::npos;
}

Statement::~Statement() {
  if (handle_ == nullptr) return;  // Text without a statement: a comment, or nothing.
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  try {
    connection_.idle_[sql_].push_back(handle_);
  } catch (const std::bad_alloc&) {
    sqlite3_finalize(handle_);  // Compiled anew the next time.
  }
}

void Statement::check(int code) {
  if (code != SQLITE_OK) connection_.fail(code, "cannot bind");
}

Statement& Statement::bind(std::string_view text) {
  // A null pointer would bind NULL: an empty text is still a text.
  const char* data = text.data() == nullptr ? "" : text.data();
  check(sqlite3_bind_text64(handle_, ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}
Statement& Statement::bind(std::int64_t number) {
  check(sqlite3_bind_int64(handle_, ++bound_, number));
  return *this;
}
Statement& Statement::bind(double number) {
  check(sqlite3_bind_double(handle_, ++bound_, number));
  return *this;
}
Statement& Statement::bind_null() {
  check(sqlite3_bind_null(handle_, ++bound_));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) connection_.fail(code, "cannot step");
  return false;
}

void Statement::run() {
  while (step()) {
  }
  sqlite3_reset(handle_);
  bound_ = 0;
}

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
double Statement::real(int column) const { return sqlite3_column_double(handle_, column); }
int Statement::columns() const { return sqlite3_column_count(handle_); }
std::string Statement::name(int column) const {
  const char* text = sqlite3_column_name(handle_, column);
  return text == nullptr ? std::string() : std::string(text);
}
ValueType Statement::type(int column) const {
  switch (sqlite3_column_type(handle_, column)) {
    case SQLITE_NULL:
      return ValueType::Null;
    case SQLITE_INTEGER:
      return ValueType::Integer;
    case SQLITE_FLOAT:
      return ValueType::Real;
    default:
      return ValueType::Text;
  }
}

Transaction::Transaction(Connection& connection)
    : connection_(connection), outer_(connection.depth_ == 0) {
  if (outer_) connection_.execute("BEGIN IMMEDIATE");
  ++connection_.depth_;
}

Transaction::~Transaction() {
  if (open_) --connection_.depth_;
  // A failed COMMIT may have rolled back already; the answer changes nothing here.
  if (open_ && outer_) sqlite3_exec(connection_.handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  if (outer_) connection_.execute("COMMIT");
  --connection_.depth_;
  open_ = false;
}

}  // namespace reprise::db
