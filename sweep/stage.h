#pragma once
/// A stage: one pure step of a trial, named by its content.
///
/// `config` is the fully resolved configuration (every default written out) of the kind:
///
///   train-unet  {"unet":{"width"}, "train":TRAIN, "precision", "seed"}
///   pretrain    {"network":{"name",...}, "scale", "noise", "loss":[TERM...], "train":TRAIN,
///                "precision", "seed"}
///   finetune    as pretrain; inputs "network" (the weights it starts from) and, where a loss term
///               needs it, "segmenter"
///   evaluate    {"method":"network"|"bicubic"|"hr", "network"?, "scale", "noise", "unet":{...},
///               "seed"}; inputs "network" (method network only) and "segmenter"
///
///   TRAIN = {"steps", "batch" (global), "patch" (network: LR pixels; U-Net: HR pixels),
///            "learning_rate", "milestones":[step...], "gamma", "checkpoint_every"*}
///   TERM  = {"name":"l1"|"e1"..."e5"|"sum_e"|"d"|"hrl", "weight"}
///
/// Keys marked * say how a stage runs, not what it computes: they are kept out of `config` and sit
/// in `options`, which is not part of the id.

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace reprise::sweep {

enum class StageKind : std::uint8_t { TrainUnet, Pretrain, Finetune, Evaluate };

/// "train-unet", "pretrain", "finetune", "evaluate".
std::string_view to_string(StageKind kind);
/// Inverse of `to_string`. Errors: InvalidInput.
StageKind stage_kind_from(std::string_view name);

struct Stage {
  std::string id;  ///< `stage_id(*this)`: 64 hexadecimal digits.
  StageKind kind = StageKind::Pretrain;
  boost::json::object config;
  boost::json::object options;  ///< Not part of the id (for example "checkpoint_every").
  std::string dataset;          ///< Name of the data set in the study.
  std::string dataset_digest;   ///< Content digest, 64 hexadecimal digits.
  std::map<std::string, std::string> inputs;  ///< Role to stage id.
  std::string label;                          ///< For people: "finetune e1 (quick)".
  std::int64_t steps = 1;                     ///< Training steps, or 1: the cost estimate.
};

/// SHA-256 over the canonical JSON of kind, config, data set digest, inputs and the version of the
/// stage semantics (raised when a change of code changes results).
std::string stage_id(const Stage& stage);

}  // namespace reprise::sweep
