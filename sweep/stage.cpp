#include "sweep/stage.h"

#include <array>
#include <utility>

#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise::sweep {
namespace {
constexpr std::array<std::pair<StageKind, std::string_view>, 6> kKinds{{
    {StageKind::TrainUnet, "train-unet"},
    {StageKind::Pretrain, "pretrain"},
    {StageKind::Finetune, "finetune"},
    {StageKind::Evaluate, "evaluate"},
    {StageKind::Profile, "profile"},
    {StageKind::ImportWeights, "import-weights"},
}};
/// Raise this when a change of code changes what a stage computes: old results then no longer
/// count.
constexpr int kSemanticsVersion = 2;
}  // namespace

std::string_view to_string(StageKind kind) {
  for (const auto& [value, name] : kKinds) {
    if (value == kind) return name;
  }
  detail::check_failed("a stage kind has a name", __FILE__, __LINE__);
}

StageKind stage_kind_from(std::string_view name) {
  for (const auto& [value, text] : kKinds) {
    if (text == name) return value;
  }
  throw_invalid("unknown stage kind \"" + std::string(name) + "\"");
}

std::string stage_id(const Stage& stage) {
  boost::json::object inputs;
  for (const auto& [role, id] : stage.inputs) inputs[role] = id;
  const boost::json::object identity{{"semantics", kSemanticsVersion},
                                     {"kind", to_string(stage.kind)},
                                     {"config", stage.config},
                                     {"dataset", stage.dataset_digest},
                                     {"inputs", std::move(inputs)}};
  return sha256_hex(canonical_json(identity));
}

}  // namespace reprise::sweep
