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
  if (train.contains("beta2")) settings.beta2 = config::number(train, "beta2");
  if (train.contains("accumulate")) settings.accumulate = config::integer(train, "accumulate", 1);
  settings.precision = precision_of(config);
  if (train.contains("validation")) {
    const auto& validation = config::table(train, "validation");
    settings.validation = {.every = config::integer(validation, "every", 1),
                           .subjects = config::integer(validation, "subjects", 1),
                           .patience = config::integer(validation, "patience", 0)};
  }
  settings.seed = static_cast<std::uint64_t>(config::integer(config, "seed", 0));
  if (options.contains("checkpoint_every")) {
    settings.checkpoint_every = config::integer(options, "checkpoint_every", 1);
  }
  if (options.contains("checkpoints_kept")) {
    settings.checkpoints_kept = config::integer(options, "checkpoints_kept", 1);
  }
  return settings;
}

}  // namespace reprise::worker
