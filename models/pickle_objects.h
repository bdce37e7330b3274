#pragma once
/// The few classes and functions of PyTorch that a state dict names, built without calling them.

#include "models/pickle_value.h"

namespace reprise::models::pickled {

/// Errors of all functions: Corrupt, naming what is not read.

/// Refuses every name ("module.name") but those of state dicts.
void check_global(const std::string& name);

/// A storage of the persistent id ("storage", type, key, device, elements[, view]).
Value storage_of(const Value& id);

/// A tensor of the arguments (storage, offset, shape, stride, ...). Its view lies inside the
/// storage, and it is no larger than that.
Value tensor_of(const Value& arguments);

}  // namespace reprise::models::pickled
