/// `reprise export STAGE`: weights with a model card.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <fstream>

#include "orchestrator/cli/commands.h"
#include "orchestrator/cli/model_card.h"
#include "orchestrator/cli/results_export.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/json.h"
#include "sweep/safetensors_index.h"

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

struct ExportOptions {
  std::string model, workspace = "workspace", output = ".";
};

/// The same tensors with what they are in the header, so that the file alone can be used.
void write_weights(const fs::path& from, const fs::path& to,
                   const std::map<std::string, std::string>& metadata) {
  const sweep::SafetensorsIndex index = sweep::read_safetensors_index(from);
  AtomicFile written(to);
  std::ofstream out(written.temporary(), std::ios::binary);
  const std::string header = sweep::encode_safetensors_header(index.tensors, metadata);
  out.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const auto& [key, entry] : index.tensors) {
    const std::string bytes = sweep::read_tensor_bytes(from, index, key);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  out.close();
  if (!out) throw Error(ErrorCode::Exhausted, to.string() + ": cannot be written");
  written.commit();
}

void run(const ExportOptions& options) {
  if (is_results_file(options.model)) {
    export_results(fs::path(options.workspace) / "reprise.db", options.model);
    return;
  }
  const auto store = open_results(options.workspace);
  const StageRecord record = find_trained_stage(*store, options.model);
  const fs::path weights = weights_of(record, options.workspace);
  const json::object card = model_card(*store, record, weights);
  std::map<std::string, std::string> metadata = {
      {"reprise.stage", record.stage.id},
      {"reprise.config", sweep::canonical_json(record.stage.config)}};
  for (const char* key : {"network", "scale", "unet"}) {
    const json::value* value = record.stage.config.if_contains(key);
    if (value != nullptr) metadata[std::string("reprise.") + key] = sweep::canonical_json(*value);
  }
  const std::string name(card.at("name").as_string());
  std::string file;
  for (const char c : name) file += c == ' ' || c == '/' ? '-' : c;
  const fs::path base = fs::path(options.output) / file;
  write_weights(weights, base.string() + ".safetensors", metadata);
  write_file_atomically(base.string() + ".json", json::serialize(card) + "\n");
  write_file_atomically(base.string() + ".md", to_markdown(card));
  fmt::print("{0}.safetensors\n{0}.json\n{0}.md\n", base.string());
}

}  // namespace

void add_export_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "export", "Write a stage's weights with a model card, or all results (FILE.csv, FILE.json)");
  const auto options = std::make_shared<ExportOptions>();
  command
      ->add_option("stage", options->model,
                   "A trial's name, the beginning of a stage's id, or FILE.csv or FILE.json")
      ->required();
  command->add_option("--workspace", options->workspace)->capture_default_str();
  command->add_option("-o,--output", options->output, "Folder for the three files")
      ->capture_default_str();
  command->callback([options] { run(*options); });
}

}  // namespace reprise::cli
