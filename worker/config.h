#pragma once
/// Typed access to a stage's config, with the key named in every error.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>

#include "sweep/error.h"

namespace reprise::worker::config {

/// Errors of all functions: InvalidInput where the key is of another type or, if it must be there,
/// missing.

inline const boost::json::value& at(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) throw_invalid(std::string("stage config: \"") + key + "\" is missing");
  return *value;
}

inline double number(const boost::json::object& object, const char* key) {
  const auto& value = at(object, key);
  if (!value.is_number()) {
    throw_invalid(std::string("stage config: \"") + key + "\" is no number");
  }
  return value.to_number<double>();
}

inline std::int64_t integer(const boost::json::object& object, const char* key,
                            std::int64_t least) {
  const auto& value = at(object, key);
  if (!value.is_int64() || value.as_int64() < least) {
    throw_invalid(std::string("stage config: \"") + key + "\" is no integer of at least " +
                  std::to_string(least));
  }
  return value.as_int64();
}

/// False where the key is missing.
inline bool flag(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return false;
  if (!value->is_bool()) {
    throw_invalid(std::string("stage config: \"") + key + "\" is neither true nor false");
  }
  return value->as_bool();
}

inline std::string text(const boost::json::object& object, const char* key) {
  const auto& value = at(object, key);
  if (!value.is_string()) throw_invalid(std::string("stage config: \"") + key + "\" is no text");
  return std::string(value.as_string());
}

inline const boost::json::object& table(const boost::json::object& object, const char* key) {
  const auto& value = at(object, key);
  if (!value.is_object()) throw_invalid(std::string("stage config: \"") + key + "\" is no table");
  return value.as_object();
}

inline const boost::json::array& list(const boost::json::object& object, const char* key) {
  const auto& value = at(object, key);
  if (!value.is_array()) throw_invalid(std::string("stage config: \"") + key + "\" is no list");
  return value.as_array();
}

}  // namespace reprise::worker::config
