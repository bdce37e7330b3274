#include "sweep/check_study.h"

#include <algorithm>

#include "sweep/error.h"
#include "sweep/nearest.h"
#include "sweep/protocol.h"

namespace reprise::sweep {
namespace {

/// The trial that is checked, and where its settings stand.
struct Checked {
  const Study& study;
  const TrialSpec& trial;
  const SettingPlace& place;
};

/// "FILE:LINE:COLUMN: trial "ROW": KEY = VALUE: what".
[[noreturn]] void refuse(const Checked& at, const std::string& setting, const std::string& what) {
  throw_invalid(at.place(setting.substr(0, setting.find(' '))) + ": trial \"" + at.trial.row +
                "\": " + setting + ": " + what);
}

std::string size_text(const DatasetSpec& dataset) {
  return std::to_string(dataset.height) + "x" + std::to_string(dataset.width);
}

void require_weights(const Checked& at, const std::string& setting, const std::string& name,
                     const std::string& what) {
  if (at.study.weights.contains(name)) return;
  refuse(at, setting, "needs [weights] " + name + " = \"FILE\" (" + what + ") in the study");
}

/// `key`: "pretrain" or "finetune".
void check_training(const Checked& at, const Training& training, const std::string& key) {
  const Study& study = at.study;
  const TrialSpec& trial = at.trial;
  constexpr std::int64_t kUnetMultiple = 32;    // Five halvings.
  constexpr std::int64_t kCriticMultiple = 16;  // Four halvings.
  const DatasetSpec& dataset = study.dataset(trial.dataset);
  const std::int64_t patch = training.train.at("patch").as_int64();
  const std::int64_t hr_patch = patch * trial.scale;
  const std::string setting = key + ".patch = " + std::to_string(patch);
  const std::string hr_text = "an HR patch of " + std::to_string(hr_patch) + " pixels";
  if (hr_patch > std::min(dataset.height, dataset.width)) {
    refuse(at, setting,
           hr_text + " is larger than the slices of " + dataset.name + " (" + size_text(dataset) +
               ")");
  }
  const LossNeeds needs = needs_of(training.loss);
  const std::string loss = key + ".loss = " + loss_label(training.loss);
  if (needs.unet && hr_patch % kUnetMultiple != 0) {
    refuse(at, setting, hr_text + " is no multiple of 32, which the U-Net of " + loss + " needs");
  }
  if (needs.critic && hr_patch % kCriticMultiple != 0) {
    refuse(at, setting, hr_text + " is no multiple of 16, which the critic of " + loss + " needs");
  }
  if (needs.vgg) {
    require_weights(at, loss, "vgg19", "torchvision's VGG-19, or \"random\"");
  }
  const auto* validation = training.train.if_contains("validation");
  if (validation != nullptr && dataset.importer == "phantom") {
    const auto held_out = validation->at("subjects").as_int64();
    if (held_out >= dataset.subjects - dataset.test_subjects) {
      refuse(at, key + ".validation.subjects = " + std::to_string(held_out),
             "leaves no subject of " + dataset.name + " to train on");
    }
  }
}

}  // namespace

void check_trial(const Study& study, const TrialSpec& trial, const SettingPlace& place) {
  const Checked at{study, trial, place};
  const DatasetSpec& dataset = study.dataset(trial.dataset);
  if (dataset.height % trial.scale != 0 || dataset.width % trial.scale != 0) {
    refuse(at, "scale = " + std::to_string(trial.scale),
           "slices of " + dataset.name + " (" + size_text(dataset) + ") are no multiples of it");
  }
  const auto known = std::find_if(study.datasets.begin(), study.datasets.end(),
                                  [&](const auto& spec) { return spec.name == trial.unet_from; });
  if (known == study.datasets.end()) {
    std::vector<std::string> names;
    for (const DatasetSpec& spec : study.datasets) names.push_back(spec.name);
    refuse(at, "unet_from = \"" + trial.unet_from + "\"",
           "the study defines no such data set" + nearest_hint(trial.unet_from, names));
  }
  const std::int64_t unet_patch = trial.segmenter.train.at("patch").as_int64();
  for (const DatasetSpec* trained_on : {&dataset, &*known}) {
    if (unet_patch > std::min(trained_on->height, trained_on->width)) {
      refuse(
          at, "unet.train.patch = " + std::to_string(unet_patch),
          "is larger than the slices of " + trained_on->name + " (" + size_text(*trained_on) + ")");
    }
  }
  if (trial.unet.at("encoder").as_string() == "resnet34") {
    const std::int64_t width = trial.unet.at("width").as_int64();
    require_weights(at, "unet.encoder = \"resnet34\"", "resnet34", "torchvision's ResNet-34");
    if (width != 64) {
      refuse(at, "unet.width = " + std::to_string(width),
             "must be 64 for the weights of ResNet-34");
    }
  }
  if (trial.method != "network") return;
  check_training(at, trial.pretrain, "pretrain");
  if (trial.finetune) check_training(at, *trial.finetune, "finetune");
}

void check_datasets(const Study& study, const std::map<std::string, DatasetFacts>& facts) {
  for (const TrialSpec& trial : study.trials) {
    const SettingPlace place = [&](const std::string& key) {
      return (key == "segmented" ? trial.segmented_place : trial.unet_from_place).text();
    };
    const Checked at{study, trial, place};
    if (trial.segmented && facts.at(trial.dataset).classes < 2) {
      refuse(at, "segmented = true",
             "data set " + trial.dataset +
                 " has no labels to train a U-Net on; segmented = false "
                 "measures PSNR and SSIM only");
    }
    const bool has_unet_loss = (trial.method == "network" && needs_of(trial.pretrain.loss).unet) ||
                               (trial.finetune && needs_of(trial.finetune->loss).unet);
    const std::string unet_from = "unet_from = \"" + trial.unet_from + "\"";
    if (has_unet_loss && facts.at(trial.unet_from).classes < 2) {
      refuse(at, unet_from, "has no labels to train the U-Net of the loss on");
    }
    const auto of_images = facts.at(trial.dataset).channels;
    const auto of_unet = facts.at(trial.unet_from).channels;
    if (of_images == of_unet || of_images == 1 || of_unet == 1) continue;
    refuse(at, unet_from,
           "its U-Net takes " + std::to_string(of_unet) + " channels and " + trial.dataset +
               " has " + std::to_string(of_images) + ": one of the two must be 1");
  }
}

void require_weights(const Study& study) {
  for (const auto& [name, spec] : study.weights) {
    if (!spec.missing()) continue;
    throw_invalid(spec.place.text() + ": weights." + name + " = \"" + spec.path.string() +
                  "\": no such file; put it there or link it");
  }
}

}  // namespace reprise::sweep
