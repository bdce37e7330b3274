#pragma once
/// A small finished study in a database, made by hand.

#include <boost/json.hpp>
#include <filesystem>
#include <string>

#include "db/store.h"
#include "sweep/plan.h"
#include "tests/support/temp_dir.h"

namespace reprise::dashboards::web {

using reprise::testing::TempDir;

inline sweep::Stage make_stage(sweep::StageKind kind, const std::string& label,
                               boost::json::object config,
                               std::map<std::string, std::string> inputs = {},
                               std::int64_t steps = 100) {
  sweep::Stage stage;
  stage.kind = kind;
  stage.label = label;
  stage.config = std::move(config);
  stage.inputs = std::move(inputs);
  stage.dataset = "brains";
  stage.dataset_digest = std::string(64, 'd');
  stage.steps = steps;
  stage.id = sweep::stage_id(stage);
  return stage;
}

/// One pretraining that two evaluated trials share; the second trial has a fine-tuning too.
inline sweep::Plan small_plan(const std::string& study = "small") {
  const boost::json::object network{{"name", "rdst"}, {"width", 12}};
  sweep::Plan plan;
  plan.study = study;
  plan.stages.push_back(make_stage(
      sweep::StageKind::Pretrain, "pretrain l1",
      {{"network", network}, {"loss", boost::json::array{{{"name", "l1"}, {"weight", 1}}}}}));
  const std::string pretrain = plan.stages[0].id;
  plan.stages.push_back(make_stage(
      sweep::StageKind::Finetune, "finetune e1",
      {{"network", network}, {"loss", boost::json::array{{{"name", "e1"}, {"weight", 10}}}}},
      {{"network", pretrain}}, 20));
  const std::string finetune = plan.stages[1].id;
  plan.stages.push_back(make_stage(sweep::StageKind::Evaluate, "evaluate L1",
                                   {{"method", "network"}, {"network", network}},
                                   {{"network", pretrain}}, 1));
  plan.stages.push_back(make_stage(sweep::StageKind::Evaluate, "evaluate E1",
                                   {{"method", "network"}, {"network", network}},
                                   {{"network", finetune}}, 1));
  plan.trials.push_back(
      {"l1",
       "L1",
       {{"pretrain", pretrain}, {"network", pretrain}, {"evaluate", plan.stages[2].id}}});
  plan.trials.push_back({"e1",
                         "E(1)",
                         {{"pretrain", pretrain},
                          {"finetune", finetune},
                          {"network", finetune},
                          {"evaluate", plan.stages[3].id}}});
  return plan;
}

inline boost::json::object evaluation_body(double psnr) {
  const boost::json::array values{psnr, psnr + 1, psnr + 2};
  return {{"artifacts", boost::json::object{}},
          {"scalars", {{"evaluate_seconds", 1.5}}},
          {"curve", boost::json::array{}},
          {"rows",
           {{"subjects", boost::json::array{"a", "b"}},
            {"subject", boost::json::array{0, 0, 1}},
            {"slice", boost::json::array{0, 1, 0}},
            {"values", {{"PSNR", values}}}}},
          {"provenance", {{"host", "h"}}}};
}

inline boost::json::object training_body(int points = 5) {
  boost::json::array curve;
  for (int i = 0; i < points; ++i) curve.push_back(boost::json::array{i, 1.0 / (1 + i)});
  return {{"artifacts", boost::json::object{}},
          {"scalars", {{"loss", 0.1}}},
          {"curve", std::move(curve)},
          {"provenance", {{"host", "h"}}}};
}

inline void finish(db::Store& store, const std::string& stage, const boost::json::object& body) {
  const auto fence = store.begin_attempt(stage, "local-0", "h", "cpu", 1);
  if (!store.commit_result(stage, fence, body)) throw std::runtime_error("not committed");
}

}  // namespace reprise::dashboards::web
