#pragma once
/// What a study varies, found in its plan: the configuration keys on which its trials differ.

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "sweep/plan.h"

namespace reprise::dashboards::web {

/// An axis has two values at least; a trial without the key (bicubic has no network) counts only
/// for the loss of a training that another trial has. `values[t][a]` is the value of axis
/// `names[a]` in trial t of the plan; null where the trial has no such key.
struct Axes {
  std::vector<std::string> names;
  std::vector<std::vector<boost::json::value>> values;
};

/// Keys are dotted paths into the configurations of a trial's stages ("network.width",
/// "finetune.loss"). A key whose value is the same in every stage of each trial that has it loses
/// the role before it: the network's width is one axis, not one a stage. Loss lists become texts
/// ("l1 + 10 e1").
Axes axes_of(const sweep::Plan& plan);

}  // namespace reprise::dashboards::web
