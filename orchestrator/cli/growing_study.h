#pragma once
/// A study as a run sees it: its search, if it has one, decides on more trials as results come.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "orchestrator/cli/search_progress.h"
#include "orchestrator/coordinator.h"
#include "sweep/study.h"

namespace reprise::cli {

class GrowingStudy {
 public:
  /// Reads the study with what its search knows so far.
  using Reader = std::function<sweep::Study(const sweep::Observations& known)>;

  /// `digests` and `datasets`: by the names of the study's data sets.
  GrowingStudy(Reader read, std::map<std::string, std::string> digests,
               std::map<std::string, std::filesystem::path> datasets);

  [[nodiscard]] const sweep::Study& study() const { return study_; }
  [[nodiscard]] const sweep::Observations& known() const { return known_; }
  /// Stays valid, and as it is, after the study has grown.
  [[nodiscard]] AddedStudy added() const { return {plan_, datasets_}; }
  [[nodiscard]] const sweep::Plan& plan() const { return *plan_; }

  /// Takes in what the trials came to, and what these results decide, as far as it goes. True if
  /// anything was new. Errors: those of the database and of the study.
  bool learn(const db::Store& store, Missing missing);
  /// Writes the plan into the database.
  void put(db::Store& store) const { store.put_plan(*plan_, study_.text); }

 private:
  Reader read_;
  std::map<std::string, std::string> digests_;
  std::map<std::string, std::filesystem::path> datasets_;
  sweep::Observations known_;  ///< Only grows, and with it the trials.
  sweep::Study study_;
  std::shared_ptr<const sweep::Plan> plan_;
};

}  // namespace reprise::cli
