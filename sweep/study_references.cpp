#include "sweep/study_references.h"

#include <algorithm>
#include <memory>

#include "sweep/error.h"
#include "sweep/nearest.h"

namespace reprise::sweep {
namespace {

void follow(Study& study, const std::vector<Reference>& references, const Reference& reference,
            const ReadOther& read) {
  const auto refuse = [&](const std::string& what) {
    throw_invalid(place_of(reference.source, study.path.string()) + ": pretrain.from = \"" +
                  reference.from + "\": " + what);
  };
  const std::size_t colon = reference.from.rfind(':');
  const std::string wanted =
      colon == std::string::npos ? reference.from : reference.from.substr(colon + 1);
  std::optional<Study> other;
  const Study* in = &study;
  if (colon != std::string::npos) {
    const auto path =
        (study.path.parent_path() / reference.from.substr(0, colon)).lexically_normal();
    if (!std::filesystem::is_regular_file(path)) refuse("no such study: " + path.string());
    other = read(path);
    if (!other) refuse("the studies refer to each other in a circle");
    in = &*other;
  }
  std::vector<std::string> valid;
  valid.reserve(in->trials.size());
  for (const TrialSpec& each : in->trials) valid.push_back(each.name);
  const auto at = std::find(valid.begin(), valid.end(), wanted);
  if (at == valid.end()) refuse("no such trial" + nearest_hint(wanted, valid));
  TrialSpec& trial = study.trials[reference.trial];
  const TrialSpec& target = in->trials[static_cast<std::size_t>(at - valid.begin())];
  const auto same_file = [&](const Reference& each) {
    return colon == std::string::npos && in->trials[each.trial].name == wanted;
  };
  if (std::any_of(references.begin(), references.end(), same_file)) {
    refuse("that trial names a pretraining itself: name its source");
  }
  if (target.method != "network") refuse("that trial trains no network");
  if (target.network != trial.network || target.scale != trial.scale) {
    refuse("that trial has another network or scale");
  }
  const auto known = [&](const DatasetSpec& each) { return each.name == target.dataset; };
  if (std::none_of(study.datasets.begin(), study.datasets.end(), known)) {
    study.datasets.push_back(in->dataset(target.dataset));
  } else if (in->dataset(target.dataset).recipe() != study.dataset(target.dataset).recipe()) {
    refuse("that study's data set \"" + target.dataset + "\" is another one");
  }
  trial.pretrain_of = std::make_shared<const TrialSpec>(target);
}

}  // namespace

void follow_references(Study& study, const std::vector<Reference>& references,
                       const ReadOther& read) {
  for (const Reference& reference : references) follow(study, references, reference, read);
}

}  // namespace reprise::sweep
