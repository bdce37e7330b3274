#include "dashboards/figures.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <set>

#include "dashboards/coverage.h"
#include "dashboards/figure_panels.h"
#include "dashboards/table.h"
#include "sweep/error.h"
#include "sweep/nearest.h"
#include "sweep/protocol.h"

namespace reprise::dashboards {
namespace {

namespace json = boost::json;

/// The blocks of a paper table with what is measured so far.
std::vector<Table> measured(const std::string& number, const db::Store& store,
                            const sweep::Plan& plan) {
  for (const Definition& definition : paper_tables()) {
    if (definition.number == number) return build_tables(&store, definition, plan, "");
  }
  return {};
}

const Cell* cell_of(const Table& table, const Row& row, const std::string& column) {
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i] == column && row.cells[i].mean) return &row.cells[i];
  }
  return nullptr;
}

json::object empty_or(json::object figure, std::size_t drawn, std::size_t all) {
  if (drawn == 0) return {};
  if (drawn < all) {
    figure["note"] = std::to_string(drawn) + " of " + std::to_string(all) + " measured so far";
  }
  return figure;
}

/// One panel a Dice column; symbols sized by a column; `group` says which rows share a colour.
json::object scatter(const Table& table, const std::vector<std::string>& dice,
                     const std::string& size, std::int64_t (*group)(const std::string&)) {
  json::array panels;
  std::size_t drawn = 0;
  std::size_t all = 0;
  for (const std::string& column : dice) {
    json::array points;
    for (const Row& row : table.rows) {
      if (row.reference) continue;
      ++all;
      const Cell* x = cell_of(table, row, "PSNR");
      const Cell* y = cell_of(table, row, column);
      if (x == nullptr || y == nullptr) continue;
      ++drawn;
      json::object point{
          {"label", row.label}, {"x", *x->mean}, {"y", *y->mean}, {"group", group(row.label)}};
      if (const Cell* symbol = cell_of(table, row, size)) point["size"] = *symbol->mean;
      points.push_back(std::move(point));
    }
    panels.push_back({{"title", column},
                      {"x_label", "PSNR (dB)"},
                      {"y_label", column},
                      {"points", std::move(points)}});
  }
  return empty_or({{"kind", "scatter"}, {"panels", std::move(panels)}}, drawn, all);
}

std::int64_t ours_or_theirs(const std::string& label) {
  return label.rfind("RDST", 0) == 0 ? 4 : label == "Bicubic" ? 7 : 0;
}

/// Native CNNs, large receptive fields, attention, SwinIR, RDST: the five colours of Fig. 10.
std::int64_t architecture(const std::string& label) {
  const auto starts = [&](const char* text) { return label.rfind(text, 0) == 0; };
  if (starts("RDST")) return 4;
  if (starts("SwinIR")) return 3;
  if (starts("RCAN") || starts("HAN")) return 2;
  return starts("ConvNet") ? 1 : 0;
}

struct Axis {
  const char* title;
  const char* part;  ///< Of the trial's name: "rdst-e-network.window-8".
};

json::object hyperparameters(const db::Store& store, const sweep::Plan& plan) {
  constexpr std::array<Axis, 5> kAxes = {{{"(a) window", "network.window-"},
                                          {"(b) width", "network.width-"},
                                          {"(c) STLs in a DSTB", "network.layers-"},
                                          {"(d) DSTBs in an RDSTB", "network.dense-layers-"},
                                          {"(e) RDSTBs", "network.blocks-"}}};
  const std::string start = (plan.study == "fig8" ? "" : "fig8.") + std::string("rdst-e-");
  json::array panels;
  std::size_t drawn = 0;
  std::size_t all = 0;
  for (const Axis& axis : kAxes) {
    std::vector<std::pair<std::int64_t, double>> points;
    const std::string prefix = start + axis.part;
    for (const sweep::Trial& trial : plan.trials) {
      if (trial.name.rfind(prefix, 0) != 0) continue;
      ++all;
      std::vector<double> values;
      for (const auto& slice : store.slice_values(trial.stages.at("evaluate"), "PSNR")) {
        values.push_back(slice.value);
      }
      if (values.empty()) continue;
      points.emplace_back(std::stoll(trial.name.substr(prefix.size())), *summarise(values).mean);
    }
    std::sort(points.begin(), points.end());
    drawn += points.size();
    json::array x;
    json::array y;
    for (const auto& [value, psnr] : points) {
      x.emplace_back(value);
      y.emplace_back(psnr);
    }
    panels.push_back({{"title", axis.title},
                      {"x_label", axis.title + 4},
                      {"y_label", "PSNR (dB)"},
                      {"x", std::move(x)},
                      {"y", std::move(y)}});
  }
  return empty_or({{"kind", "lines"}, {"panels", std::move(panels)}}, drawn, all);
}

json::object loss_bars(const db::Store& store, const sweep::Plan& plan) {
  const std::vector<Table> blocks = measured("9", store, plan);
  json::array panels;
  std::size_t drawn = 0;
  std::size_t all = 0;
  for (const char* column : {"PSNR", "SSIM", "Dice-T"}) {
    json::array groups;
    for (const Table& block : blocks) {
      json::array bars;
      for (const Row& row : block.rows) {
        ++all;
        const Cell* cell = cell_of(block, row, column);
        if (cell == nullptr) continue;
        ++drawn;
        bars.push_back({{"label", row.label}, {"y", *cell->mean}});
      }
      const std::size_t colon = block.title.rfind(": ");
      groups.push_back({{"label", block.title.substr(colon == std::string::npos ? 0 : colon + 2)},
                        {"bars", std::move(bars)}});
    }
    panels.push_back({{"title", column}, {"y_label", column}, {"groups", std::move(groups)}});
  }
  return empty_or({{"kind", "bars"}, {"panels", std::move(panels)}}, drawn, all);
}

/// What a training's curve is called: its network, its losses, or "U-Net". Equal names share a
/// colour.
std::string curve_label(const sweep::Stage& stage) {
  if (stage.kind == sweep::StageKind::TrainUnet) return "U-Net";
  if (stage.kind == sweep::StageKind::Finetune) {
    return sweep::loss_label(stage.config.at("loss").as_array());
  }
  return std::string(stage.config.at("network").at("name").as_string());
}

/// Loss against step of every finished training: a panel for each kind and data set.
json::object training_curves(const db::Store& store, const sweep::Plan& plan) {
  std::map<std::string, json::array> panels;
  for (const sweep::Stage& stage : plan.stages) {
    const auto result = store.result(stage.id);
    if (!result) continue;
    const json::value* curve = result->if_contains("curve");
    if (curve == nullptr || !curve->is_array() || curve->get_array().empty()) continue;
    const std::string panel = std::string(sweep::to_string(stage.kind)) + ", " + stage.dataset;
    panels[panel].push_back({{"label", curve_label(stage)}, {"points", *curve}});
  }
  if (panels.empty()) return {};
  json::array all;
  for (auto& [title, curves] : panels) {
    all.push_back({{"title", title}, {"curves", std::move(curves)}});
  }
  return {{"kind", "curves"}, {"panels", std::move(all)}};
}

struct Known {
  const char* name;
  const char* title;
};

constexpr std::array<Known, 9> kFigures = {
    {{"3", "Fig. 3. PSNR and Dice on OASIS; bigger symbols have more parameters"},
     {"4", "Fig. 4. A test slice of OASIS"},
     {"5", "Fig. 5. A test slice of BraTS"},
     {"6", "Fig. 6. A test slice of ACDC"},
     {"7", "Fig. 7. A test slice of COVID-CT"},
     {"8", "Fig. 8. Hyperparameters of RDST-E"},
     {"10", "Fig. 10. Architectures, L1 only; bigger symbols are faster"},
     {"11", "Fig. 11. Segmentation losses for other networks"},
     {"curves", "Training curves"}}};

}  // namespace

const std::vector<std::string>& figure_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Known& figure : kFigures) all.emplace_back(figure.name);
    return all;
  }();
  return names;
}

json::object figure_data(const std::string& figure, const db::Store& store, const sweep::Plan& plan,
                         const std::filesystem::path& workspace) {
  const auto known = std::find_if(kFigures.begin(), kFigures.end(),
                                  [&](const Known& each) { return figure == each.name; });
  if (known == kFigures.end()) {
    throw_invalid("figure " + figure + ": there is none" +
                  sweep::nearest_hint(figure, figure_names()));
  }
  json::object data;
  if (figure == "3") {
    const std::vector<Table> blocks = measured("1", store, plan);
    data = scatter(blocks.front(), {"Dice-T", "Dice-G", "Dice-W", "Dice-CSF"}, "params(M)",
                   ours_or_theirs);
  } else if (figure == "10") {
    data = scatter(measured("5", store, plan).front(), {"Dice-T"}, "FPS", architecture);
  } else if (figure == "8") {
    data = hyperparameters(store, plan);
  } else if (figure == "11") {
    data = loss_bars(store, plan);
  } else if (figure == "curves") {
    data = training_curves(store, plan);
  } else {
    data = panel_figure(figure, store, plan, workspace);
  }
  if (data.empty()) return data;
  data["name"] = figure == "curves" ? "curves" : "figure" + figure;
  data["title"] = known->title;
  return data;
}

}  // namespace reprise::dashboards
