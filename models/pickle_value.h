#pragma once
/// What stands on the stack of a pickle (models/pickle_machine.h).

#include <cstdint>
#include <string>
#include <vector>

#include "models/pickle.h"

namespace reprise::models::pickled {

enum class Kind : std::uint8_t {
  None,
  Bool,
  Integer,
  Number,
  Text,
  Tuple,
  List,
  Dict,
  Global,
  Storage,
  Tensor,
  Mark
};

/// Dictionaries keep keys and values in turn in `items`.
struct Value {
  Kind kind = Kind::None;
  std::int64_t integer = 0;
  std::string text = {};
  std::vector<Value*> items = {};
  PickledTensor tensor = {};
};

/// What a value is, for messages.
std::string described(const Value& value);

}  // namespace reprise::models::pickled
