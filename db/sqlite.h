#pragma once
/// SQLite behind three RAII types; sqlite.cpp is the only file that includes sqlite3.h.
///
/// Failures throw `Error`: Corrupt for a damaged or foreign file, and for statements of ours that
/// its tables or their contents do not fit; Exhausted for a full disk; Unavailable for I/O,
/// permissions and locks; InvalidInput for wrong SQL of somebody else's (`allow_select_only`);
/// Internal for the rest.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace reprise::db {

enum class Access : std::uint8_t { ReadWrite, ReadOnly };
enum class ValueType : std::uint8_t { Null, Integer, Real, Text };

/// One connection, used by one thread. ReadWrite creates a missing file; ReadOnly does not.
class Connection {
 public:
  Connection(const std::filesystem::path& file, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  /// Runs statements without parameters or results.
  void execute(const std::string& sql);
  /// The first column of the first row of a query.
  [[nodiscard]] std::int64_t integer(const std::string& sql);
  /// Moves the write-ahead log into the database; `truncate` also empties the log.
  void checkpoint(bool truncate);
  [[nodiscard]] std::int64_t last_insert_id() const;
  [[nodiscard]] bool in_transaction() const { return depth_ > 0; }
  /// From now on only SELECT is prepared: no writes, PRAGMA or ATTACH. The statements are somebody
  /// else's.
  void allow_select_only();
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  friend class Statement;
  friend class Transaction;
  [[noreturn]] void fail(int code, std::string_view doing) const;

  std::filesystem::path file_;
  sqlite3* handle_ = nullptr;
  /// Prepared statements that nobody uses now, by their text: preparing costs more than running.
  std::map<std::string, std::vector<sqlite3_stmt*>, std::less<>> idle_;
  int depth_ = 0;  ///< Of nested transactions.
  bool is_foreign_sql_ = false;
};

/// A prepared statement, taken from the connection's idle ones where there is one of the same text.
/// `bind` in the order of the question marks, then `step` for each row.
class Statement {
 public:
  Statement(Connection& connection, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement(Statement&&) = delete;
  Statement& operator=(Statement&&) = delete;

  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(double number);
  Statement& bind_null();

  /// True while there is a row to read.
  bool step();
  /// Steps to the end and readies the statement for new parameters.
  void run();

  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string name(int column) const;
  /// Of the current row; a BLOB counts as text.
  [[nodiscard]] ValueType type(int column) const;
  /// Whether more than white space followed the statement in its text.
  [[nodiscard]] bool has_more() const { return has_more_; }

 private:
  void check(int code);

  Connection& connection_;
  std::string sql_;
  sqlite3_stmt* handle_ = nullptr;
  int bound_ = 0;
  bool has_more_ = false;
};

/// BEGIN IMMEDIATE; rolled back unless `commit` was reached. One inside another is part of it: what
/// it did is durable once the outer one commits, and gone if that one is rolled back.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction(Transaction&&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  void commit();

 private:
  Connection& connection_;
  bool outer_;
  bool open_ = true;
};

}  // namespace reprise::db
