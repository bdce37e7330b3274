#pragma once
/// The axes of a [[trials]] table: what varies, and which combinations there are.
///
///   list = [{...}, ...]     these settings, one trial an entry
///   zip = {a = [..], ..}    axes of equal length in lockstep
///   grid = {a = [..], ..}   every combination
///   star = {a = [..], ..}   one axis at a time, the others as in the base
///   sample = {count, seed, axes = {a = [..] | {min, max, log, multiple_of}}}   random search
///   when, exclude           combinations to keep and to drop
///
/// Several of them multiply. Internal to sweep/.

#include <memory>
#include <string>
#include <vector>

#include "sweep/toml_reader.h"

namespace reprise::sweep {

inline constexpr std::size_t kTrialsMax = 100'000;

/// Values that an expansion made itself (samples): they must outlive the combinations.
using OwnedNodes = std::vector<std::unique_ptr<toml::node>>;

/// One combination: the values it lays over the trial's table, in the order of the axes.
using Combination = std::vector<Overlay>;

/// All combinations of a [[trials]] table, in the order they are written; one empty combination
/// where it has no axes. Errors: InvalidInput with line and column for an axis without values, zips
/// of unequal length, conditions on unknown axes, no combination left, more than `kTrialsMax`.
std::vector<Combination> expand_axes(TomlReader& trial, OwnedNodes& owned);

/// A label in which {axis} stands for the combination's value; an axis that it does not name is
/// added as " axis=value" where `complete`, unless the combination brings its own row.
std::string axis_label(std::string label, const Combination& combination, const TomlReader& trial,
                       bool complete);

}  // namespace reprise::sweep
