#include "orchestrator/assignment.h"

#include "sweep/error.h"

namespace reprise {
namespace {

bool is_digest(const boost::json::value* value) {
  if (value == nullptr || !value->is_string() || value->get_string().size() != 64) return false;
  const std::string_view text(value->get_string().data(), 64);
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string weights_of(const db::Store& store, const std::string& stage) {
  const auto body = store.result(stage);
  if (!body) throw_corrupt("stage " + stage + ": has no result, yet another stage needs it");
  const boost::json::value* at = body->if_contains("artifacts");
  for (const char* key : {"weights", "sha256"}) {
    if (at != nullptr) at = at->is_object() ? at->get_object().if_contains(key) : nullptr;
  }
  if (!is_digest(at)) throw_corrupt("result of stage " + stage + ": names no weights");
  return std::string(at->get_string());
}

}  // namespace

wire::Assign make_assignment(const db::Store& store, const sweep::Stage& stage, std::int64_t fence,
                             const std::filesystem::path& dataset) {
  wire::Assign message;
  message.stage = stage.id;
  message.fence = fence;
  message.kind = std::string(sweep::to_string(stage.kind));
  message.label = stage.label;
  message.config = stage.config;
  message.options = stage.options;
  message.dataset_path = dataset.string();
  message.dataset_digest = stage.dataset_digest;
  for (const auto& [role, input] : stage.inputs) message.inputs[role] = weights_of(store, input);
  return message;
}

void check_artifacts(const boost::json::object& body, const std::filesystem::path& workspace) {
  const boost::json::value* artifacts = body.if_contains("artifacts");
  if (artifacts == nullptr) return;
  if (!artifacts->is_object()) throw_corrupt("result, key artifacts: not an object");
  for (const auto& [name, value] : artifacts->get_object()) {
    const std::string where = "result, artifact " + std::string(name);
    if (!value.is_object()) throw_corrupt(where + ": not an object");
    const boost::json::value* digest = value.get_object().if_contains("sha256");
    const boost::json::value* bytes = value.get_object().if_contains("bytes");
    if (!is_digest(digest) || bytes == nullptr || !bytes->is_int64() || bytes->get_int64() < 0) {
      throw_corrupt(where + ": want sha256 and bytes");
    }
    const auto file = workspace / "objects" / (std::string(digest->get_string()) + ".safetensors");
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error) throw_corrupt(where + ": " + file.string() + ": " + error.message());
    if (size != static_cast<std::uintmax_t>(bytes->get_int64())) {
      throw_corrupt(where + ": " + file.string() + ": has " + std::to_string(size) +
                    " bytes, not the " + std::to_string(bytes->get_int64()) + " it says");
    }
  }
}

}  // namespace reprise
