#pragma once
/// `pretrain.from`: trials that go on from another trial's pretraining, of their own or another
/// study. Internal to sweep/.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sweep/study.h"
#include "sweep/toml_reader.h"

namespace reprise::sweep {

struct Reference {
  std::size_t trial;  ///< Its index in the study.
  std::string from;   ///< TRIAL or FILE.toml:TRIAL.
  toml::source_region source;
};

/// Another study; nothing where it is one of those that are being read: a circle.
using ReadOther = std::function<std::optional<Study>(const std::filesystem::path&)>;

/// Gives each trial of `references`, all of the study, the pretraining that it names.
/// Errors: InvalidInput naming file, line and column.
void follow_references(Study& study, const std::vector<Reference>& references,
                       const ReadOther& read);

}  // namespace reprise::sweep
