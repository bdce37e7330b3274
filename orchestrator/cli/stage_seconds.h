#pragma once
/// How long stages take: by the speeds that the database has measured, else by the model.

#include <map>
#include <string>
#include <vector>

#include "db/store.h"
#include "sweep/stage.h"

namespace reprise::cli {

class StageSeconds {
 public:
  /// `store` may be null: nothing is measured.
  explicit StageSeconds(const db::Store* store);

  /// Whether a training of the same network, loss, batch and patch has run before.
  [[nodiscard]] bool is_measured(const sweep::Stage& stage) const;
  [[nodiscard]] double of(const sweep::Stage& stage) const;

 private:
  std::map<std::string, std::vector<double>> step_seconds_;  ///< Sorted.
};

}  // namespace reprise::cli
