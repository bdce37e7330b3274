/// Trials to stages: what each trial needs, in order, with equal stages shared.

#include <boost/json.hpp>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sweep/error.h"
#include "sweep/protocol.h"
#include "sweep/study.h"

namespace reprise::sweep {
namespace {

using Inputs = std::map<std::string, std::string>;

class Expansion {
 public:
  Expansion(const Study& study, const std::map<std::string, std::string>& digests)
      : study_(study), digests_(digests) {
    plan_.study = study.name;
    // A trial mostly adds a pretraining, a fine-tuning and its evaluation.
    plan_.stages.reserve(3 * study.trials.size());
    plan_.trials.reserve(study.trials.size());
    index_.reserve(3 * study.trials.size());
  }

  void add(const TrialSpec& trial) {
    trial_ = trial.name;
    Trial row{.name = trial.name, .row = trial.row, .stages = {}};
    if (trial.segmented) row.stages["segmenter"] = add_segmenter(trial, trial.dataset);
    if (trial.method == "network") {
      row.stages["pretrain"] = add_pretraining(trial, row.stages);
      row.stages["network"] = row.stages["pretrain"];
      if (trial.finetune) {
        row.stages["finetune"] =
            add_training(trial, *trial.finetune, StageKind::Finetune, row.stages);
        row.stages["network"] = row.stages["finetune"];
      }
      if (trial.profile) row.stages["profile"] = add_profile(trial);
    }
    row.stages["evaluate"] = add_evaluation(trial, row.stages);
    plan_.trials.push_back(std::move(row));
  }

  Plan take() {
    tell_apart([&](std::size_t stage) { return " (" + first_users_[stage] + ")"; });
    // A trial's own stages: U-Nets of two data sets, or the trainings that a search goes on from.
    tell_apart([&](std::size_t stage) {
      const Stage& at = plan_.stages[stage];
      const auto* train = at.config.if_contains("train");
      return " on " + at.dataset +
             (train == nullptr ? ""
                               : " to " + std::to_string(train->at("steps").as_int64()) + " steps");
    });
    return std::move(plan_);
  }

 private:
  /// What the latest segmentation U-Net of a data set and seed was made of, and its stage.
  struct Segmenter {
    boost::json::object unet, train;
    std::string precision, id;
  };

  /// Adds to the labels that several stages have.
  template <typename Suffix>
  void tell_apart(const Suffix& suffix) {
    std::vector<bool> is_shared(plan_.stages.size());
    {
      std::unordered_map<std::string_view, std::size_t> first;
      first.reserve(plan_.stages.size());
      for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
        const auto [at, is_new] = first.try_emplace(plan_.stages[i].label, i);
        if (!is_new) is_shared[i] = is_shared[at->second] = true;
      }
    }
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
      if (is_shared[i]) plan_.stages[i].label += suffix(i);
    }
  }

  std::string add_weights(const TrialSpec& trial, const std::string& name) {
    const WeightsSpec& weights = study_.weights.at(name);
    Stage stage = begin(trial.dataset, StageKind::ImportWeights, "weights " + name);
    stage.config = {{"role", name}};
    if (weights.path.empty()) {
      stage.config["random"] = trial.seed;
    } else {
      stage.config["sha256"] = weights.sha256;
      stage.options["path"] = weights.path.string();
    }
    return finish(std::move(stage), {});
  }

  /// Trials mostly share it, and ask for it twice: it is looked up before it is made.
  std::string add_segmenter(const TrialSpec& trial, const std::string& dataset) {
    Segmenter& last = segmenters_[{dataset, trial.seed}];
    if (last.id.empty() || last.precision != trial.precision || last.unet != trial.unet ||
        last.train != trial.segmenter.train) {
      last = {trial.unet, trial.segmenter.train, trial.precision, make_segmenter(trial, dataset)};
    }
    return last.id;
  }

  std::string make_segmenter(const TrialSpec& trial, const std::string& dataset) {
    Stage stage = begin(dataset, StageKind::TrainUnet, "segmentation U-Net");
    stage.config = {{"unet", trial.unet},
                    {"train", trial.segmenter.train},
                    {"precision", trial.precision},
                    {"seed", trial.seed}};
    if (trial.unet.at("encoder").as_string() == "resnet34") {
      stage.inputs["encoder"] = add_weights(trial, "resnet34");
    }
    return finish(std::move(stage), trial.segmenter);
  }

  /// The trial's own, or the one of the trial that its `pretrain.from` names.
  std::string add_pretraining(const TrialSpec& trial, const Inputs& stages) {
    if (!trial.pretrain_of) return add_training(trial, trial.pretrain, StageKind::Pretrain, stages);
    const TrialSpec& other = *trial.pretrain_of;
    return add_training(other, other.pretrain, StageKind::Pretrain, {});
  }

  // NOLINTNEXTLINE(misc-no-recursion): once for each rung of a search below this one.
  std::string add_training(const TrialSpec& trial, const Training& training, StageKind kind,
                           const Inputs& stages) {
    Stage stage =
        begin(trial.dataset, kind, std::string(to_string(kind)) + " " + loss_label(training.loss));
    stage.config = {{"network", trial.network}, {"scale", trial.scale},
                    {"noise", trial.noise},     {"loss", training.loss},
                    {"train", training.train},  {"precision", trial.precision},
                    {"seed", trial.seed}};
    const LossNeeds needs = needs_of(training.loss);
    if (needs.unet) {
      const auto own = stages.find("segmenter");
      const bool is_own = own != stages.end() && trial.unet_from == trial.dataset;
      stage.inputs["segmenter"] = is_own ? own->second : add_segmenter(trial, trial.unet_from);
      stage.config["unet"] = trial.unet;
    }
    if (needs.vgg) stage.inputs["vgg19"] = add_weights(trial, "vgg19");
    if (kind == StageKind::Pretrain) stage.config["init"] = trial.init;
    if (kind == StageKind::Finetune) stage.inputs["network"] = stages.at("pretrain");
    if (!training.continues.empty()) {
      const std::string shorter = add_training(trial, shorter_of(training), kind, stages);
      stage.inputs["continues"] = shorter;
      stage.options["continues"] = shorter;
    }
    return finish(std::move(stage), training);
  }

  /// The training that this one goes on from.
  static Training shorter_of(Training training) {
    training.train["steps"] = training.continues.back();
    training.continues.pop_back();
    training.keep_state = true;
    return training;
  }

  std::string add_profile(const TrialSpec& trial) {
    Stage stage = begin(trial.dataset, StageKind::Profile, "profile");
    stage.config = {{"network", trial.network}, {"scale", trial.scale}};
    return finish(std::move(stage), {});
  }

  std::string add_evaluation(const TrialSpec& trial, const Inputs& stages) {
    Stage stage = begin(trial.dataset, StageKind::Evaluate, "evaluate " + trial.row);
    stage.config = {{"method", trial.method},
                    {"scale", trial.scale},
                    {"noise", trial.noise},
                    {"seed", trial.seed},
                    {"samples", trial.samples}};
    if (trial.segmented) {
      stage.config["unet"] = trial.unet;
      stage.inputs["segmenter"] = stages.at("segmenter");
    }
    if (study_.weights.contains("inception")) {
      stage.inputs["inception"] = add_weights(trial, "inception");
    }
    if (trial.method == "network") {
      stage.config["network"] = trial.network;
      stage.inputs["network"] = stages.at("network");
    }
    return finish(std::move(stage), {});
  }

  Stage begin(const std::string& dataset, StageKind kind, std::string label) {
    Stage stage{.id = "",
                .kind = kind,
                .config = boost::json::object(memory_),
                .options = boost::json::object(memory_),
                .dataset = "",
                .dataset_digest = "",
                .inputs = {},
                .label = "",
                .steps = 1};
    stage.dataset = dataset;
    stage.dataset_digest = digests_.at(dataset);
    stage.label = std::move(label);
    return stage;
  }

  std::string finish(Stage stage, const Training& training) {
    if (!training.train.empty()) {
      stage.steps = training.train.at("steps").as_int64();
      if (!training.continues.empty()) stage.steps -= training.continues.back();
      if (training.keep_state) stage.options["keep_state"] = true;
      stage.options["checkpoint_every"] = training.checkpoint_every;
      stage.options["checkpoints_kept"] = training.checkpoints_kept;
    }
    stage.id = stage_id(stage);
    const auto [entry, added] = index_.try_emplace(stage.id, plan_.stages.size());
    if (added) {
      plan_.stages.push_back(std::move(stage));
      first_users_.push_back(trial_);
    }
    return entry->first;
  }

  const Study& study_;
  const std::map<std::string, std::string>& digests_;
  /// Of the stages' configurations, which hold on to it: a hundred thousand small pieces one behind
  /// the other, of which none is ever given back alone.
  boost::json::storage_ptr memory_ =
      boost::json::make_shared_resource<boost::json::monotonic_resource>(std::size_t{1} << 16U);
  Plan plan_;
  std::string trial_;                     ///< Whose stages are added.
  std::vector<std::string> first_users_;  ///< Of each stage, the first trial that needs it.
  std::unordered_map<std::string, std::size_t> index_;
  std::map<std::pair<std::string, std::int64_t>, Segmenter> segmenters_;
};

}  // namespace

Plan make_plan(const Study& study, const std::map<std::string, std::string>& digests) {
  Expansion expansion(study, digests);
  for (const TrialSpec& trial : study.trials) expansion.add(trial);
  Plan plan = expansion.take();
  plan.title = study.title;
  plan.tables = study.tables;
  return plan;
}

}  // namespace reprise::sweep
