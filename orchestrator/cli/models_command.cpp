/// `reprise models`: size and cost of every network beside the paper's, without building any.

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <optional>
#include <regex>

#include "dashboards/paper.h"
#include "orchestrator/cli/commands.h"
#include "sweep/error.h"
#include "sweep/network_profile.h"
#include "sweep/network_schema.h"

namespace reprise::cli {
namespace {

namespace json = boost::json;

/// The paper's rows in its order; depths are Table 5's, which paper-tables.csv does not have.
struct PaperRow {
  const char* network;
  const char* row;
  int depth;
};
constexpr std::array kPaperRows = {PaperRow{"edsr-lite", "EDSR-lite", 32},
                                   PaperRow{"edsr", "EDSR", 64},
                                   PaperRow{"rdn", "RDN", 142},
                                   PaperRow{"convnet-lite", "ConvNet-lite", 48},
                                   PaperRow{"convnet-large", "ConvNet-large", 96},
                                   PaperRow{"rcan", "RCAN", 1610},
                                   PaperRow{"han", "HAN", 811},
                                   PaperRow{"swinir-lite", "SwinIR-lite", 101},
                                   PaperRow{"swinir", "SwinIR", 150},
                                   PaperRow{"rdst-e", "RDST-E(L1)", 114},
                                   PaperRow{"rdst", "RDST(L1)", 226},
                                   PaperRow{"rdst-gff", "RDST+GFF(L1)", 228}};

struct ModelsOptions {
  std::vector<std::string> names;
  std::vector<std::string> changes;  ///< key=value
  std::string size = "40x32";
  std::int64_t channels = 1, scale = 4;
  std::string format = "text";

  [[nodiscard]] bool is_papers() const {
    return changes.empty() && size == "40x32" && channels == 1 && scale == 4;
  }
};

sweep::NetworkInput input_of(const ModelsOptions& options) {
  std::smatch match;
  if (!std::regex_match(options.size, match, std::regex("([1-9][0-9]{0,5})x([1-9][0-9]{0,5})"))) {
    throw_invalid("--size " + options.size + ": must be HEIGHTxWIDTH in LR pixels, such as 40x32");
  }
  return {.channels = options.channels,
          .scale = options.scale,
          .height = std::stoll(match[1]),
          .width = std::stoll(match[2])};
}

json::object network_of(const std::string& name, const ModelsOptions& options) {
  json::object network = {{"name", name}};
  for (const std::string& change : options.changes) {
    const auto [key, value] = split_change(change);
    network[key] = value;
  }
  return sweep::resolve_network(network);
}

struct ModelLine {
  std::string name;
  sweep::NetworkProfile profile;
  std::string paper_parameters = {}, paper_macs = {}, paper_depth = {};  ///< As printed, or empty.
};

std::string printed(const char* row, const char* column) {
  const auto value = dashboards::paper_value("5", row, column);
  return value ? value->text : "";
}

ModelLine line_of(const std::string& name, const ModelsOptions& options) {
  ModelLine line{.name = name,
                 .profile = sweep::profile_network(network_of(name, options), input_of(options))};
  for (const PaperRow& row : kPaperRows) {
    if (!options.is_papers() || name != row.network) continue;
    line.paper_parameters = printed(row.row, "params(M)");
    line.paper_macs = printed(row.row, "MACs(G)");
    line.paper_depth = std::to_string(row.depth);
  }
  return line;
}

double millions(std::int64_t count) { return static_cast<double>(count) / 1e6; }
double billions(std::int64_t count) { return static_cast<double>(count) / 1e9; }

void print_text(const std::vector<ModelLine>& lines, const ModelsOptions& options) {
  const bool with_paper = options.is_papers();
  const auto beside = [&](const std::string& value) {
    return with_paper ? fmt::format(" {:>7}", value) : std::string();
  };
  fmt::print("{:<14} {:>11} {:>9}{} {:>9}{} {:>11} {:>7}{} {:>6}\n", "network", "params",
             "params/M", beside("paper"), "MACs/G", beside("paper"), "MACs+attn/G", "layers",
             beside("paper"), "field");
  for (const ModelLine& line : lines) {
    const sweep::NetworkProfile& counts = line.profile;
    fmt::print("{:<14} {:>11} {:>9.3f}{} {:>9.3f}{} {:>11.3f} {:>7}{} {:>6}\n", line.name,
               counts.parameters, millions(counts.paper_parameters), beside(line.paper_parameters),
               billions(counts.paper_macs), beside(line.paper_macs), billions(counts.product_macs),
               counts.depth, beside(line.paper_depth),
               counts.receptive_field == 0 ? "all" : std::to_string(counts.receptive_field));
  }
  fmt::print(
      "\nLR input {} with {} channel(s), scale {}. params: every parameter. params/M, MACs/G: as "
      "the paper\ncounts (tool thop; no attention products). MACs+attn/G: convolutions, linear "
      "layers and all products.\nlayers: as Table 5 counts. field: side of the square of LR pixels "
      "that an output pixel may depend on.\n",
      options.size, options.channels, options.scale);
}

/// What can be varied, for `reprise models NAME`.
void print_keys(const std::string& name) {
  fmt::print("\nParameters of {} (--set KEY=VALUE, or in a study's network table):\n", name);
  for (const sweep::NetworkKey& key : sweep::network_keys(name)) {
    std::string range;
    if (key.standard.is_int64()) range = fmt::format("{} to {}", key.min, key.max);
    if (key.per_block) range += ", or a list with one for each block";
    for (const std::string& text : key.choices) range += (range.empty() ? "" : " or ") + text;
    fmt::print("  {:<15} {:<9} {}\n", key.name, json::serialize(key.standard), range);
  }
}

void print_csv(const std::vector<ModelLine>& lines) {
  fmt::print(
      "network,params,paper_rule_params,paper_params_millions,paper_rule_macs,paper_macs_billions,"
      "product_macs,layers,paper_layers,receptive_field\n");
  for (const ModelLine& line : lines) {
    const sweep::NetworkProfile& counts = line.profile;
    fmt::print("{},{},{},{},{},{},{},{},{},{}\n", line.name, counts.parameters,
               counts.paper_parameters, line.paper_parameters, counts.paper_macs, line.paper_macs,
               counts.product_macs, counts.depth, line.paper_depth, counts.receptive_field);
  }
}

void print_json(const std::vector<ModelLine>& lines, const ModelsOptions& options) {
  json::array rows;
  for (const ModelLine& line : lines) {
    const sweep::NetworkProfile& counts = line.profile;
    rows.push_back({{"network", line.name},
                    {"config", network_of(line.name, options)},
                    {"params", counts.parameters},
                    {"paper_rule_params", counts.paper_parameters},
                    {"paper_rule_macs", counts.paper_macs},
                    {"product_macs", counts.product_macs},
                    {"layers", counts.depth},
                    {"receptive_field", counts.receptive_field}});
  }
  fmt::print("{}\n", json::serialize(rows));
}

void run(ModelsOptions options) {
  if (!options.changes.empty() && options.names.empty()) {
    throw_invalid("--set needs the network that it changes: reprise models rdst-e --set window=4");
  }
  if (options.names.empty()) {
    for (const PaperRow& row : kPaperRows) options.names.emplace_back(row.network);
  }
  std::vector<ModelLine> lines;
  lines.reserve(options.names.size());
  for (const std::string& name : options.names) lines.push_back(line_of(name, options));
  if (options.format == "csv") return print_csv(lines);
  if (options.format == "json") return print_json(lines, options);
  print_text(lines, options);
  if (options.names.size() == 1) print_keys(options.names[0]);
}

}  // namespace

std::pair<std::string, json::value> split_change(const std::string& change) {
  const auto split = change.find('=');
  if (split == std::string::npos) {
    throw_invalid("--set " + change + ": must be KEY=VALUE, such as window=4");
  }
  const std::string value = change.substr(split + 1);
  json::error_code error;
  json::value parsed = json::parse(value, error);
  if (error) parsed = json::string(value);
  return {change.substr(0, split), std::move(parsed)};
}

void add_models_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "models", "Parameters, MACs, layers and receptive field of the networks, beside the paper's");
  const auto options = std::make_shared<ModelsOptions>();
  command->add_option("network", options->names, "Networks (default: the paper's twelve)");
  command->add_option("--size", options->size, "LR input, HEIGHTxWIDTH")->capture_default_str();
  command->add_option("--channels", options->channels, "Channels in and out (BraTS has 4)")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--scale", options->scale)->check(CLI::Range(2, 4))->capture_default_str();
  command->add_option("--set", options->changes, "Change a parameter: KEY=VALUE, such as window=4")
      ->allow_extra_args(false);
  command->add_option("--format", options->format)
      ->check(CLI::IsMember({"text", "csv", "json"}))
      ->capture_default_str();
  command->callback([options] { run(*options); });
}

}  // namespace reprise::cli
