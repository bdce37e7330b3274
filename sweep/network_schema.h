#pragma once
/// The super-resolution networks by name, with their parameters, ranges and the paper's defaults:
/// the one place that studies, profiles and models/ read them from. A new network adds a row to
/// network_schema.cpp, its counts to network_profile.cpp and its layers to models/.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::sweep {

/// One parameter of an architecture.
struct NetworkKey {
  std::string name;
  boost::json::value standard;            ///< The paper's value; its type is the parameter's.
  std::int64_t min = 1, max = 1;          ///< Of integers.
  double low = 1e-6, high = 1e6;          ///< Of other numbers.
  std::vector<std::string> choices = {};  ///< Of texts.
  bool per_block = false;                 ///< May be a list with one integer for each block.
};

/// The names that a study may use, sorted: "convnet-large", "edsr", "rdst", "rdst-e", ...
const std::vector<std::string>& network_names();

/// The parameters of a named network, with its own defaults. Errors: InvalidInput (unknown name,
/// with the nearest one).
const std::vector<NetworkKey>& network_keys(std::string_view name);

/// The complete, canonical configuration: {"name": architecture, every parameter}. So "rdst-e" and
/// "rdst" with 4 blocks are equal, and a list of equal integers is that integer. A list of lengths
/// fixes "blocks" where that is not given.
/// Errors: InvalidInput "network.KEY = VALUE: reason" for unknown keys, wrong types and ranges, and
/// values that do not go together.
boost::json::object resolve_network(const boost::json::object& given);

/// Why a complete configuration cannot be built, if so.
struct NetworkConflict {
  std::string key, reason;
};
std::optional<NetworkConflict> find_conflict(const boost::json::object& network);

/// A per-block parameter of a complete configuration, written out: one value for each block.
std::vector<std::int64_t> per_block(const boost::json::object& network, std::string_view key);

}  // namespace reprise::sweep
