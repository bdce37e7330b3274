#include "dashboards/figure_panels.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "dashboards/coverage.h"
#include "dashboards/definition.h"
#include "sweep/error.h"

namespace reprise::dashboards {
namespace {

namespace json = boost::json;

using Label = std::array<const char*, 2>;  // Name and colour.

/// What a figure shows: PSNR (of the first modality) and the Dice that the paper prints below, and
/// the labels 1, 2, 3 in the paper's colours.
struct Shown {
  const char* figure;
  const char* table;
  const char* psnr;
  const char* dice;
  std::array<Label, 3> labels;
};

constexpr std::array<Shown, 4> kShown = {{
    {"4",
     "1",
     "PSNR",
     "Dice-T",
     {{{"CSF", "cyan"}, {"grey matter", "grey"}, {"white matter", "yellow"}}}},
    {"5",
     "2",
     "PSNR-T1Gd",
     "Dice-WT",
     {{{"NCR & NET", "yellow"}, {"oedema", "cyan"}, {"enhancing tumour", "grey"}}}},
    {"6", "3", "PSNR", "Dice-T", {{{"RV", "grey"}, {"myocardium", "yellow"}, {"LV", "cyan"}}}},
    {"7",
     "4",
     "PSNR",
     "Dice-Lesion",
     {{{"left lung", "grey"}, {"right lung", "yellow"}, {"lesion", "cyan"}}}},
}};

const Shown& shown_in(const std::string& figure) {
  const auto* const found = std::find_if(kShown.begin(), kShown.end(),
                                         [&](const Shown& each) { return figure == each.figure; });
  REPRISE_CHECK(found != kShown.end());
  return *found;
}

/// A metric of every test slice, in the order of the test split; empty where it is not there.
json::array slice_values(const json::object& body, const char* metric) {
  const json::value* rows = body.if_contains("rows");
  if (rows == nullptr || !rows->is_object()) return {};
  const json::value* values = rows->get_object().if_contains("values");
  if (values == nullptr || !values->is_object()) return {};
  const json::value* column = values->get_object().if_contains(metric);
  return column != nullptr && column->is_array() ? column->get_array() : json::array{};
}

}  // namespace

json::object panel_figure(const std::string& figure, const db::Store& store,
                          const sweep::Plan& plan, const std::filesystem::path& workspace) {
  const Shown& shown = shown_in(figure);
  const PlannedTrials trials(plan);
  json::array methods;
  std::size_t all = 0;
  for (const Definition& definition : paper_tables()) {
    if (definition.number != shown.table) continue;
    for (const Entry& row : definition.blocks.front().rows) {
      const sweep::Trial* trial = trials.find(definition.study, row.trial);
      if (trial == nullptr) continue;
      ++all;
      const auto body = store.result(trial->stages.at("evaluate"));
      if (!body) continue;
      const json::value* artifacts = body->if_contains("artifacts");
      const json::value* samples = artifacts == nullptr || !artifacts->is_object()
                                       ? nullptr
                                       : artifacts->get_object().if_contains("samples");
      if (samples == nullptr) continue;
      const std::string sha256(samples->at("sha256").as_string());
      const auto file = workspace / "objects" / (sha256 + ".safetensors");
      if (!std::filesystem::exists(file)) continue;
      methods.push_back({{"label", row.label},
                         {"reference", row.reference},
                         {"file", std::filesystem::absolute(file).string()},
                         {"PSNR", slice_values(*body, shown.psnr)},
                         {"Dice", slice_values(*body, shown.dice)},
                         {"Dice_name", shown.dice}});
    }
  }
  if (methods.empty()) return {};
  json::array labels;
  for (const Label& label : shown.labels) labels.push_back({label[0], label[1]});
  json::object data{{"kind", "panels"},
                    {"channels", {"T1Gd", "T1", "T2", "FLAIR"}},
                    {"labels", std::move(labels)}};
  if (methods.size() < all) {
    data["note"] =
        std::to_string(methods.size()) + " of " + std::to_string(all) + " methods so far";
  }
  data["methods"] = std::move(methods);
  return data;
}

}  // namespace reprise::dashboards
