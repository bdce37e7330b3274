#include "orchestrator/cli/growing_study.h"

namespace reprise::cli {

GrowingStudy::GrowingStudy(Reader read, std::map<std::string, std::string> digests,
                           std::map<std::string, std::filesystem::path> datasets)
    : read_(std::move(read)),
      digests_(std::move(digests)),
      datasets_(std::move(datasets)),
      study_(read_(known_)),
      plan_(std::make_shared<const sweep::Plan>(sweep::make_plan(study_, digests_))) {}

bool GrowingStudy::learn(const db::Store& store, Missing missing) {
  bool learnt = false;
  while (!study_.searches.empty()) {
    const std::size_t before = known_.size();
    known_.merge(observe(store, study_, *plan_, missing));
    if (known_.size() == before) break;
    learnt = true;
    study_ = read_(known_);
    plan_ = std::make_shared<const sweep::Plan>(sweep::make_plan(study_, digests_));
    missing = Missing::Unknown;  // What was just decided has not been tried yet.
  }
  return learnt;
}

}  // namespace reprise::cli
