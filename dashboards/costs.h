#pragma once
/// What a plan's results cost, and what sharing stages saved, in device seconds (one GPU, or one
/// CPU slot, for a second).

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "db/store.h"
#include "sweep/plan.h"

namespace reprise::dashboards {

/// One stage of the plan with what is recorded of it.
struct StageCost {
  const sweep::Stage* stage = nullptr;  ///< Of the plan.
  bool done = false;
  int attempts = 0;
  double seconds = 0;        ///< Device seconds of the attempt that counts.
  double lost_seconds = 0;   ///< Of attempts that failed, were lost or revoked.
  std::string host, device;  ///< Where it ran.
  std::string torch;         ///< Version of LibTorch.
  int ranks = 0;
};

struct Costs {
  std::vector<StageCost> stages;  ///< In the plan's order.
  double spent = 0;               ///< Every finished stage once.
  double lost = 0;                ///< Attempts that came to nothing.
  double each_table_alone = 0;    ///< Every study of the folder runs its stages itself.
  double each_trial_alone = 0;    ///< Every trial runs its stages itself.
};

/// Errors: those of the database.
Costs costs_of(const db::Store& store, const sweep::Plan& plan);

}  // namespace reprise::dashboards
