// The part of Store that keeps what stages cost: a row an attempt.
#include <algorithm>
#include <boost/json/value.hpp>
#include <cmath>

#include "db/store.h"
#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise::db {
namespace {

namespace json = boost::json;

/// Enough for every shape that is still of interest, and few enough to be read in a moment.
constexpr std::int64_t kNewest = 2000;

double number_in(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

const json::object* object_in(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

bool is_positive(double number) { return std::isfinite(number) && number > 0; }

}  // namespace

void Store::put_cost(std::int64_t fence, const MeasuredCost& measured) {
  Statement(*connection_, "INSERT OR REPLACE INTO stage_costs VALUES(?,?,?,?,?)")
      .bind(fence)
      .bind(measured.steps)
      .bind(measured.cost.step_seconds)
      .bind(measured.cost.start_seconds)
      .bind(measured.threads)
      .run();
  committed();
}

/// From a result's provenance, where it says enough.
void Store::put_result_cost(std::int64_t fence, const json::object& body) {
  const json::object* origin = object_in(body, "provenance");
  if (origin == nullptr) return;
  const json::object* meter = object_in(*origin, "cost");
  const double wall = meter == nullptr ? 0 : number_in(*meter, "wall_seconds");
  const double speed = number_in(*origin, "steps_per_second");
  const double loop = number_in(*origin, "seconds");
  MeasuredCost measured;
  measured.threads = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::min(number_in(*origin, "threads"), 1e6)));
  if (is_positive(speed) && is_positive(loop)) {
    measured.steps = std::max<std::int64_t>(1, std::llround(std::min(loop * speed, 1e15)));
    measured.cost = {.step_seconds = 1 / speed, .start_seconds = std::max(0.0, wall - loop)};
  } else if (is_positive(wall)) {
    measured.cost.step_seconds = wall;
  } else {
    return;
  }
  put_cost(fence, measured);
}

std::vector<sweep::CostSample> Store::cost_samples() const {
  Statement query(*connection_,
                  "SELECT s.kind, s.config, s.dataset_digest, a.device, c.threads, a.ranks,"
                  " c.step_seconds, c.start_seconds, EXISTS(SELECT 1 FROM stage_inputs i"
                  " WHERE i.stage=a.stage AND i.role='inception')"
                  " FROM stage_costs c JOIN attempts a ON a.fence=c.fence"
                  " JOIN stages s ON s.id=a.stage ORDER BY c.fence DESC LIMIT ?");
  query.bind(kNewest);
  std::vector<sweep::CostSample> samples;
  while (query.step()) {
    sweep::CostSample& sample = samples.emplace_back();
    sample.stage.kind = sweep::stage_kind_from(query.text(0));
    json::value config = sweep::parse_json(query.text(1), connection_->file().string());
    if (!config.is_object())
      throw_corrupt(connection_->file().string() + ": a config is no object");
    sample.stage.config = std::move(config.get_object());
    sample.stage.dataset_digest = query.text(2);
    sample.setting = {.device = query.text(3), .threads = query.integer(4)};
    sample.ranks = static_cast<int>(query.integer(5));
    sample.cost = {.step_seconds = query.real(6), .start_seconds = query.real(7)};
    if (query.integer(8) != 0) sample.stage.inputs.emplace("inception", "");
  }
  std::reverse(samples.begin(), samples.end());
  return samples;
}

}  // namespace reprise::db
