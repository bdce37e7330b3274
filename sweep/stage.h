#pragma once
/// A stage: one pure step of a trial, named by its content.
///
/// `config` is the fully resolved configuration (every default written out) of the kind:
///
///   train-unet  {"unet":UNET, "train":TRAIN, "precision", "seed"}; input "encoder" where
///               UNET.encoder is "resnet34"
///   pretrain    {"network":{"name",...}, "scale", "noise", "loss":[TERM...], "train":TRAIN,
///                "init":"kaiming"|"truncated-normal", "precision", "seed"}
///   finetune    as pretrain without "init"; input "network" (the weights it starts from). Both:
///               inputs "segmenter" (with its "unet":UNET) and "vgg19" where a loss term needs them
///   evaluate    {"method":"network"|"bicubic"|"hr", "network"?, "scale", "noise", "unet":UNET,
///               "samples" (test slices kept as images), "seed"}; inputs "network" (method network
///               only), "segmenter" and, where the study gives it, "inception"
///   profile     {"network", "scale"}: size and speed, at the paper's LR 40x32
///   import-weights {"role":"vgg19"|"resnet34"|"inception", "sha256" of the file, or "random":
///               seed, "path"*}
///
///   UNET  = {"width", "encoder":"random"|"resnet34"}
///   TRAIN = {"steps", "batch" (global), "accumulate" (parts that a batch is computed in), "patch"
///            (network: LR pixels; U-Net: HR pixels), "learning_rate", "milestones":[step...],
///            "gamma", "beta2", "flips"?:true, "rotations"?:true,
///            "validation"?:{"every", "subjects", "patience" (0: no early stop)},
///            "checkpoint_every"*, "checkpoints_kept"*}
///   TERM  = {"name":"l1"|"e1"..."e5"|"sum_e"|"d"|"hrl"|"vgg"|"wgan-gp", "weight", ...}; the other
///            keys are listed in losses/loss.h
///
/// Keys marked * say how a stage runs, not what it computes: they are kept out of `config` and sit
/// in `options`, which is not part of the id.

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace reprise::sweep {

enum class StageKind : std::uint8_t {
  TrainUnet,
  Pretrain,
  Finetune,
  Evaluate,
  Profile,
  ImportWeights
};

/// "train-unet", "pretrain", "finetune", "evaluate", "profile", "import-weights".
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
  std::string label;       ///< For people, each once in a plan: "finetune e1 (table6.e-1)".
  std::int64_t steps = 1;  ///< Training steps, or 1: the cost estimate.
};

/// SHA-256 over the canonical JSON of kind, config, data set digest, inputs and the version of the
/// stage semantics (raised when a change of code changes results).
std::string stage_id(const Stage& stage);

}  // namespace reprise::sweep
