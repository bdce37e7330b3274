#include "sweep/protocol.h"

#include <boost/json.hpp>
#include <vector>

namespace reprise::sweep {
namespace {

const std::vector<std::string>& loss_names() {
  static const std::vector<std::string> names = {"l1", "e1",    "e2",  "e3",  "e4",     "e5",
                                                 "d",  "sum_e", "hrl", "vgg", "wgan-gp"};
  return names;
}

bool is_feature_loss(const std::string& name) {
  return name == "d" || name == "sum_e" || (name.size() == 2 && name[0] == 'e');
}

/// Weights of the adversarial and VGG losses are unpublished; these are ESRGAN's (Wang et al.
/// 2018).
double default_weight(const std::string& name, const Protocol& protocol) {
  if (name == "l1") return protocol.weight_l1;
  if (name == "vgg") return 1.0;
  if (name == "wgan-gp") return 5e-3;
  return protocol.weight_unet;
}

/// One term with every key that its kind of loss has.
boost::json::object read_term(TomlReader& term, const Protocol& protocol) {
  const std::string name = term.choice("name", std::nullopt, loss_names());
  boost::json::object object{
      {"name", name}, {"weight", term.number("weight", default_weight(name, protocol), 0.0, 1e9)}};
  if (is_feature_loss(name)) {
    object["distance"] = term.choice("distance", protocol.distance, {"l1", "mse"});
  }
  if (is_feature_loss(name) || name == "hrl") {
    object["unet_mode"] = term.choice("unet_mode", protocol.unet_mode, {"eval", "train"});
  }
  if (name == "sum_e") object["sum"] = term.choice("sum", protocol.sum_e, {"sum", "nested"});
  if (name == "vgg") object["layer"] = term.choice("layer", "conv5_4", {"conv2_2", "conv5_4"});
  if (name == "wgan-gp") {
    object["penalty"] = term.number("penalty", 10.0, 0.0, 1e6);
    object["learning_rate"] = term.number("learning_rate", 1e-5, 1e-12, 1.0);
    object["critic_steps"] = term.integer("critic_steps", 1, 1, 100);
  }
  term.finish();
  return object;
}

}  // namespace

Protocol read_protocol(TomlReader& trial) {
  Protocol protocol;
  if (trial.choice("protocol", "paper", {"paper", "released"}) == "released") {
    protocol = {.distance = "mse",
                .unet_mode = "train",
                .sum_e = "nested",
                .init = "truncated-normal",
                .swin_shift = false,
                .extra_step = true,
                .weight_l1 = 0.1,
                .weight_unet = 1};
  }
  TomlReader switches = trial.table("switches");
  protocol.distance = switches.choice("distance", protocol.distance, {"l1", "mse"});
  protocol.unet_mode = switches.choice("unet_mode", protocol.unet_mode, {"eval", "train"});
  protocol.sum_e = switches.choice("sum_e", protocol.sum_e, {"sum", "nested"});
  protocol.init = switches.choice("init", protocol.init, {"kaiming", "truncated-normal"});
  protocol.swin_shift = switches.boolean("swin_shift", protocol.swin_shift);
  protocol.extra_step = switches.boolean("extra_step", protocol.extra_step);
  protocol.weight_l1 = switches.number("weight_l1", protocol.weight_l1, 0.0, 1e9);
  protocol.weight_unet = switches.number("weight_unet", protocol.weight_unet, 0.0, 1e9);
  switches.finish();
  return protocol;
}

boost::json::array read_loss(TomlReader& training, const Protocol& protocol,
                             const std::string& fallback) {
  const toml::node* found = training.node("loss");
  const toml::array alone{fallback};
  if (found == nullptr) found = &alone;
  if (!found->is_array() || found->as_array()->empty()) {
    training.fail("loss", R"(must be a list such as ["l1", "e1"])");
  }
  boost::json::array terms;
  int critics = 0;
  for (const toml::node& item : *found->as_array()) {
    toml::table named;
    const toml::table* table = item.as_table();
    if (const auto* text = item.as_string()) {
      named.insert("name", text->get());
      table = &named;
    }
    if (table == nullptr) training.fail("loss", "must hold loss names or {name, weight} tables");
    TomlReader term(training.file(), training.path() + ".loss", {table});
    terms.emplace_back(read_term(term, protocol));
    if (terms.back().at("name").as_string() == "wgan-gp" && ++critics > 1) {
      training.fail("loss", "must hold wgan-gp at most once");
    }
  }
  return terms;
}

LossNeeds needs_of(const boost::json::array& loss) {
  LossNeeds needs;
  for (const boost::json::value& term : loss) {
    const std::string name(term.at("name").as_string());
    needs.unet = needs.unet || is_feature_loss(name) || name == "hrl";
    needs.vgg = needs.vgg || name == "vgg";
    needs.critic = needs.critic || name == "wgan-gp";
  }
  return needs;
}

std::string loss_label(const boost::json::array& loss) {
  std::string label;
  for (const boost::json::value& term : loss) {
    label += (label.empty() ? "" : "+") + std::string(term.at("name").as_string());
  }
  return label;
}

}  // namespace reprise::sweep
