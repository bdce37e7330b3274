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
  // The canonical JSON of an object of these, written down without making the object: a plan of
  // ten thousand trials asks for fifty thousand ids. One buffer for all: a request for more than a
  // kilobyte makes malloc sort all that is free.
  thread_local std::string text;
  text = R"({"config":)";
  append_canonical(text, stage.config);
  text += R"(,"dataset":)";
  append_canonical(text, stage.dataset_digest);
  text += R"(,"inputs":{)";
  bool first = true;
  for (const auto& [role, id] : stage.inputs) {
    if (!first) text += ',';
    first = false;
    append_canonical(text, role);
    text += ':';
    append_canonical(text, id);
  }
  text += R"(},"kind":)";
  append_canonical(text, to_string(stage.kind));
  text += R"(,"semantics":)" + std::to_string(kSemanticsVersion) + '}';
  return sha256_hex(text);
}

}  // namespace reprise::sweep
