#pragma once
/// What survives a crash of the coordinator: attempts and results, by the rules of db::Store.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/core.h"
#include "tests/simulation/swarm.h"

namespace reprise::simulation {

class Database {
 public:
  /// A transaction: all of it, at once.
  std::vector<core::Event> apply(const std::vector<core::Action>& batch, Random& random,
                                 double refuse_result);

  [[nodiscard]] bool is_done(const std::string& stage) const { return results_.contains(stage); }
  [[nodiscard]] std::set<std::string> done() const;
  [[nodiscard]] std::int64_t result_fence(const std::string& stage) const {
    return results_.at(stage);
  }
  /// True if this attempt may work: the stage's newest, and not ended.
  [[nodiscard]] bool is_live(const std::string& stage, std::int64_t fence) const;
  [[nodiscard]] std::vector<core::OpenAttempt> open() const;
  [[nodiscard]] std::size_t open_count() const { return open_.size(); }
  /// What a coordinator does first whose gangs died with the one before.
  void end_abandoned() { open_.clear(); }
  [[nodiscard]] std::uint64_t begun(const std::string& stage) const;
  [[nodiscard]] std::uint64_t commits() const { return commits_; }

 private:
  struct Attempt {
    std::string stage, gang;
  };
  std::int64_t fences_ = 0;
  std::map<std::string, std::int64_t> newest_, results_;
  std::map<std::int64_t, Attempt> open_;
  std::map<std::string, std::uint64_t> begun_;
  std::uint64_t commits_ = 0;
};

}  // namespace reprise::simulation
