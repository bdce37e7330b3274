#pragma once
/// Where the paper's text and its released code disagree about training, and which of the two a
/// trial follows. docs/fidelity.md lists every disagreement.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

#include "sweep/toml_reader.h"

namespace reprise::sweep {

/// The switches of one trial. The defaults are the paper's.
struct Protocol {
  std::string distance = "l1";  ///< Of E(i), ΣE and D: "l1" (Eq. 8), or "mse" as released.
  std::string unet_mode =
      "eval";                 ///< Batch norm of the loss's U-Net: "eval", or "train" as released.
  std::string sum_e = "sum";  ///< ΣE: "sum", or "nested": divided by 5 after every addition.
  std::string init = "kaiming";  ///< Linear layers: "kaiming", or "truncated-normal" as released.
  bool swin_shift = true;        ///< SwinIR's shifted windows; off as released.
  bool extra_step = false;       ///< One step more than asked, as released.
  double weight_l1 = 1;          ///< α of Eq. 12; 0.1 as released.
  double weight_unet = 10;       ///< λ of Eq. 12; 1 as released.
};

/// Reads `protocol` = "paper" | "released" and the table `switches`, which sets single switches.
Protocol read_protocol(TomlReader& trial);

/// Reads `loss` of a training: a list of names or {name, weight, ...} tables, each completed from
/// the protocol. Terms hold the keys that their kind of loss has and no others, so that trials
/// which differ in nothing that a stage computes share it. Missing: `fallback` alone.
boost::json::array read_loss(TomlReader& training, const Protocol& protocol,
                             const std::string& fallback);

/// What a list of loss terms needs besides the two images.
struct LossNeeds {
  bool unet = false;
  bool vgg = false;
  bool critic = false;
};
LossNeeds needs_of(const boost::json::array& loss);

/// "l1+e1", for people.
std::string loss_label(const boost::json::array& loss);

}  // namespace reprise::sweep
