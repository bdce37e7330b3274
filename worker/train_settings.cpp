/// Reads `train` of a stage's config.
#include <boost/json/value_to.hpp>
#include <string>

#include "sweep/error.h"
#include "worker/train.h"

namespace reprise::worker {
namespace {

const boost::json::value& at(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) throw_invalid(std::string("stage config: \"") + key + "\" is missing");
  return *value;
}

double number(const boost::json::object& object, const char* key) {
  const auto& value = at(object, key);
  if (!value.is_number()) {
    throw_invalid(std::string("stage config: \"") + key + "\" is no number");
  }
  return value.to_number<double>();
}

std::int64_t integer(const boost::json::object& object, const char* key, std::int64_t least) {
  const auto& value = at(object, key);
  if (!value.is_int64() || value.as_int64() < least) {
    throw_invalid(std::string("stage config: \"") + key + "\" is no integer of at least " +
                  std::to_string(least));
  }
  return value.as_int64();
}

}  // namespace

TrainSettings train_settings(const boost::json::object& config,
                             const boost::json::object& options) {
  const auto* train = at(config, "train").if_object();
  if (train == nullptr) throw_invalid("stage config: \"train\" is no table");
  TrainSettings settings;
  settings.steps = integer(*train, "steps", 1);
  settings.learning_rate = number(*train, "learning_rate");
  if (train->contains("milestones")) {
    const auto* milestones = train->at("milestones").if_array();
    if (milestones == nullptr) throw_invalid("stage config: \"milestones\" is no list");
    for (const auto& milestone : *milestones) {
      if (!milestone.is_int64()) throw_invalid("stage config: \"milestones\" are not integers");
      settings.milestones.push_back(milestone.as_int64());
    }
  }
  if (train->contains("gamma")) settings.gamma = number(*train, "gamma");
  settings.seed = static_cast<std::uint64_t>(integer(config, "seed", 0));
  if (options.contains("checkpoint_every")) {
    settings.checkpoint_every = integer(options, "checkpoint_every", 1);
  }
  return settings;
}

}  // namespace reprise::worker
