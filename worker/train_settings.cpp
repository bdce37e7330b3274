/// Reads `train` of a stage's config.
#include "worker/config.h"
#include "worker/train.h"

namespace reprise::worker {

TrainSettings train_settings(const boost::json::object& config,
                             const boost::json::object& options) {
  const auto& train = config::table(config, "train");
  TrainSettings settings;
  settings.steps = config::integer(train, "steps", 1);
  settings.learning_rate = config::number(train, "learning_rate");
  if (train.contains("milestones")) {
    for (const auto& milestone : config::list(train, "milestones")) {
      if (!milestone.is_int64()) throw_invalid("stage config: \"milestones\" are not integers");
      settings.milestones.push_back(milestone.as_int64());
    }
  }
  if (train.contains("gamma")) settings.gamma = config::number(train, "gamma");
  settings.seed = static_cast<std::uint64_t>(config::integer(config, "seed", 0));
  if (options.contains("checkpoint_every")) {
    settings.checkpoint_every = config::integer(options, "checkpoint_every", 1);
  }
  return settings;
}

}  // namespace reprise::worker
