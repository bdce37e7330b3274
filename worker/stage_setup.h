#pragma once
/// What every kind of stage begins and ends with: data, inputs, arithmetic, objects, provenance.

#include <boost/json/object.hpp>
#include <string>

#include "models/safetensors.h"
#include "orchestrator/wire.h"
#include "worker/objective.h"
#include "worker/residency.h"
#include "worker/stage_runner.h"

namespace reprise::worker {

/// "train" or "test" of the assignment's data set, where the gang keeps it. Every rank calls it.
/// Errors: GangError Corrupt where its digest is not the one that was planned.
const ResidentSplit& load_split(const wire::Assign& assign, const StageContext& context,
                                const std::string& split);

/// The files of the stage's inputs, their bytes checked. Errors: Corrupt.
StageInputs inputs_of(const wire::Assign& assign, const StageContext& context,
                      const datasets::Slices& info);

/// Where and how long a stage ran. A result's only part that is no function of the stage.
boost::json::object provenance(const StageContext& context, double seconds);

/// Writes tensors under their own digest and returns {"sha256", "bytes"}.
boost::json::object store_object(const StageContext& context, const models::TensorFile& content);

}  // namespace reprise::worker
