#pragma once
/// The scheduler's durable side: turns its actions into one transaction of the results database.

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "db/store.h"
#include "orchestrator/core_events.h"
#include "orchestrator/wire.h"

namespace reprise {

class Ledger {
 public:
  /// `threads`: of the CPU, a rank.
  Ledger(db::Store& store, std::filesystem::path workspace, int threads)
      : store_(store), workspace_(std::move(workspace)), threads_(threads) {}

  /// Who a gang is, for its attempts' rows.
  void introduce(const wire::Hello& hello) { hello_[hello.gang] = hello; }
  void forget(const std::string& gang) { hello_.erase(gang); }
  /// Keeps a result's body until its commit succeeded.
  void keep(std::int64_t fence, boost::json::object body) { bodies_[fence] = std::move(body); }

  /// See core::Ports::commit. A result that breaks the rules is refused, which is an answer; a
  /// database that fails throws (Exhausted, Unavailable, Corrupt), and nothing has changed.
  std::vector<core::Event> commit(const std::vector<core::Action>& batch);

 private:
  core::CommitDone commit_result(const core::CommitResult& action);
  std::int64_t begin(const core::BeginAttempt& action);

  db::Store& store_;
  std::filesystem::path workspace_;
  int threads_;
  std::map<std::string, wire::Hello> hello_;
  std::map<std::int64_t, boost::json::object> bodies_;
};

}  // namespace reprise
