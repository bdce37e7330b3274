#pragma once
/// The results database: plans, attempts under fences, and results that are committed exactly once.
///
/// One read-write Store exists per workspace (the coordinator's), in one thread. Every method that
/// changes something is one transaction and durable when it returns; inside `group`, once that
/// does. Times are Unix milliseconds.

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "db/sqlite.h"
#include "sweep/plan.h"
#include "sweep/step_cost.h"

namespace reprise::db {

struct DatasetRow {
  std::string name, digest, path, info;
};

struct AttemptRow {
  std::int64_t fence = 0;
  std::string stage, gang, host, device;
  int ranks = 1;
  std::int64_t started = 0;
  std::int64_t ended = 0;  ///< 0 while it runs.
  std::string outcome;     ///< Empty while it runs.
  std::string message;
};

/// What an attempt's stage cost so far.
struct MeasuredCost {
  std::int64_t steps = 1;  ///< That were measured.
  sweep::StepCost cost;
  std::int64_t threads = 1;  ///< Of the CPU, a rank.
};

/// A metric of one evaluation over all its slices that have a value.
struct MetricSummary {
  std::string name;
  std::int64_t count = 0;
  double mean = 0, std = 0;  ///< Population standard deviation.
};

struct EventRow {
  std::int64_t id = 0;  ///< Grows with every event.
  std::int64_t time = 0;
  std::string kind, text, who;
};

struct SliceValue {
  std::string subject;
  int slice = 0;
  double value = 0;
};

class Store {
 public:
  Store(const std::filesystem::path& file, Access access);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  Store(Store&&) = delete;
  Store& operator=(Store&&) = delete;

  /// Registers a data set, or replaces what was registered under its name.
  void put_dataset(const std::string& name, const std::string& digest, const std::string& path,
                   const std::string& info_json);
  [[nodiscard]] std::vector<DatasetRow> datasets() const;

  /// Stores a plan; a study of the same name is replaced, stages and results are kept.
  void put_plan(const sweep::Plan& plan, const std::string& study_text);
  /// The plan as it was put.
  [[nodiscard]] std::optional<sweep::Plan> plan(const std::string& study) const;
  [[nodiscard]] std::vector<std::string> studies() const;
  [[nodiscard]] std::optional<std::string> study_text(const std::string& study) const;

  [[nodiscard]] bool is_done(const std::string& stage) const;
  /// Every stage that is done.
  [[nodiscard]] std::unordered_set<std::string> all_done() const;
  /// Errors: Corrupt, naming the stage, where the row's hash does not fit.
  [[nodiscard]] std::optional<boost::json::object> result(const std::string& stage) const;

  /// Returns the attempt's fence, greater than all before.
  std::int64_t begin_attempt(const std::string& stage, const std::string& gang,
                             const std::string& host, const std::string& device, int ranks);
  /// `outcome`: "done", "failed", "lost", "revoked" or "handed-back". The first outcome stays.
  void end_attempt(std::int64_t fence, const std::string& outcome, const std::string& message);
  /// Runs `changes`, calls of this store, as one transaction: all of them are durable when it
  /// returns, none if anything throws.
  void group(const std::function<void()>& changes);
  /// The attempts without an outcome, oldest first.
  [[nodiscard]] std::vector<AttemptRow> open_attempts() const;
  /// Ends the attempts that a coordinator left open when it died; returns how many.
  int end_abandoned_attempts();
  /// True if `body` is now the stage's durable result: the fence was its newest and it had none, or
  /// this very fence and body were committed before. False if stale. Errors: Corrupt for a body
  /// that breaks the rules of wire.h.
  bool commit_result(const std::string& stage, std::int64_t fence, const boost::json::object& body);

  [[nodiscard]] std::vector<AttemptRow> attempts(const std::string& stage) const;
  /// Attempts that failed, were lost or were revoked.
  [[nodiscard]] int failures(const std::string& stage) const;

  /// From the verified result, ordered by subject, then slice. Null values are left out.
  [[nodiscard]] std::vector<SliceValue> slice_values(const std::string& stage,
                                                     const std::string& metric) const;
  [[nodiscard]] std::map<std::string, double> scalars(const std::string& stage) const;

  /// SHA-256 of every artifact that a result names.
  [[nodiscard]] std::set<std::string> artifact_digests() const;
  /// Ids of the stages that a study of this database has.
  [[nodiscard]] std::set<std::string> planned_stages() const;

  // ---- what stages cost (store_costs.cpp) ----
  /// Of an attempt that runs. Once it has a result, the result's own numbers take this one's place.
  void put_cost(std::int64_t fence, const MeasuredCost& measured);
  /// The newest two thousand of every study in the file, oldest first.
  [[nodiscard]] std::vector<sweep::CostSample> cost_samples() const;

  void add_event(const std::string& kind, const std::string& text,
                 const std::string& who = "coordinator");
  /// The latest `limit` events with an id below `before` (0: no bound), newest first.
  [[nodiscard]] std::vector<EventRow> events(std::int64_t limit, std::int64_t before = 0) const;

  // ---- what a dashboard asks for: whole studies at once (store_browse.cpp) ----
  /// Changes whenever another connection committed something to the file.
  [[nodiscard]] std::int64_t data_version() const;
  /// How often this store committed.
  [[nodiscard]] std::int64_t commits() const { return commits_; }
  /// When the study was planned last; 0 for an unknown one.
  [[nodiscard]] std::int64_t planned_at(const std::string& study) const;
  /// Stage to commit time, of the study's stages that have a result.
  [[nodiscard]] std::map<std::string, std::int64_t> done_stages(const std::string& study) const;
  /// All attempts at the study's stages, by fence.
  [[nodiscard]] std::vector<AttemptRow> study_attempts(const std::string& study) const;
  /// From the metric rows, by name: an overview's numbers. A table's come from `slice_values`,
  /// which checks the row's hash.
  [[nodiscard]] std::vector<MetricSummary> metric_summaries(const std::string& stage) const;
  [[nodiscard]] std::optional<sweep::Stage> stage(const std::string& id) const;
  /// Ids of the stages that begin with `prefix`, at most `limit`.
  [[nodiscard]] std::vector<std::string> stages_like(const std::string& prefix,
                                                     std::int64_t limit) const;
  /// (study, trial name) of the trials that stand on a stage.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> users_of(
      const std::string& stage) const;

 private:
  void committed();
  void put_result_cost(std::int64_t fence, const boost::json::object& body);

  std::unique_ptr<Connection> connection_;
  Access access_;
  int commits_ = 0;
};

}  // namespace reprise::db
