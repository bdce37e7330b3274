#pragma once
/// One assignment in, one result or failure out: the one place where exceptions become failures.

#include <filesystem>
#include <variant>

#include "models/torch.h"
#include "orchestrator/wire.h"
#include "worker/collective.h"
#include "worker/train.h"

namespace reprise::worker {

class Nvml;
class SliceCache;

struct StageContext {
  std::filesystem::path workspace;
  torch::Device device = torch::kCPU;
  Collective& collective;
  SliceCache& data;  ///< Every rank's, kept from one stage to the next.
  const Nvml& nvml;  ///< Opened once a process: the driver takes its time.
  StageHooks hooks;  ///< Consulted at rank 0.
};

struct StageEnd {
  std::variant<wire::Result, wire::Failure> report;  ///< Meaningful at rank 0.
  bool is_gang_broken = false;  ///< The ranks are out of step: the gang must end.
};

/// Runs a stage; every rank calls it with the same assignment. Never throws.
StageEnd run_stage(const wire::Assign& assign, const StageContext& context);

/// Deletes the checkpoints of a stage whose result is durable.
void forget_checkpoints(const std::filesystem::path& workspace, const std::string& stage);

/// `objects/<sha256>.safetensors`. Errors: Corrupt unless it is 64 hexadecimal digits.
std::filesystem::path object_path(const std::filesystem::path& workspace,
                                  const std::string& sha256);

}  // namespace reprise::worker
