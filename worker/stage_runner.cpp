#include "worker/stage_runner.h"

#include <algorithm>
#include <array>
#include <new>

#include "sweep/error.h"
#include "worker/cost_meter.h"
#include "worker/gang_error.h"
#include "worker/stage_body.h"

#ifdef REPRISE_CUDA
#include <cuda_runtime_api.h>
#endif

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

fs::path checkpoint_folder(const fs::path& workspace, const std::string& stage) {
  return workspace / "checkpoints" / stage;
}

/// Only the first line: c10's texts go on with a stack trace.
std::string first_line(std::string text) { return text.substr(0, text.find('\n')); }

/// As NVML spells it; empty for a CPU.
std::string pci_address(const torch::Device& device) {
#ifdef REPRISE_CUDA
  if (device.is_cuda()) {
    std::array<char, 64> address{};
    if (cudaDeviceGetPCIBusId(address.data(), address.size(), device.index()) == cudaSuccess) {
      return address.data();
    }
  }
#else
  static_cast<void>(device);
#endif
  return {};
}

StageWork work_on(const wire::Assign& assign, const StageContext& context) {
  if (assign.kind == "evaluate") return run_evaluation(assign, context);
  if (assign.kind == "profile") return run_profile(assign, context);
  if (assign.kind == "import-weights") return run_import(assign, context);
  return run_training(assign, context);
}

}  // namespace

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const c10::OutOfMemoryError& error) {
    return {ErrorCode::Exhausted, first_line(error.what_without_backtrace())};
  } catch (const c10::Error& error) {
    const std::string text = first_line(error.what_without_backtrace());
    const bool is_memory = text.find("can't allocate memory") != std::string::npos ||
                           text.find("out of memory") != std::string::npos;
    return {is_memory ? ErrorCode::Exhausted : ErrorCode::Internal, text};
  } catch (const std::bad_alloc&) {
    return {ErrorCode::Exhausted, "out of memory"};
  } catch (const std::exception& error) {
    return {ErrorCode::Internal, first_line(error.what())};
  }
}

void agree(Collective& collective, const std::function<void()>& setup) {
  std::string mine;
  try {
    setup();
  } catch (const std::exception&) {
    const Error error = current_error();
    mine = std::string(to_string(error.code())) + "\n" + error.what();
  }
  std::string first;
  for (const auto& said : collective.gather_text(mine)) {
    if (first.empty()) first = said;
  }
  first = collective.broadcast_text(first, 0);
  if (first.empty()) return;
  const auto cut = first.find('\n');
  throw GangError(error_code_from(first.substr(0, cut)), first.substr(cut + 1));
}

StageEnd run_stage(const wire::Assign& assign, const StageContext& context) {
  StageEnd end;
  const auto fail = [&](ErrorCode code, const std::string& message) {
    end.report = wire::Failure{.stage = assign.stage,
                               .fence = assign.fence,
                               .code = std::string(to_string(code)),
                               .message = message};
  };
  try {
    CostMeter meter(context.nvml, at::get_num_threads(), pci_address(context.device));
    StageContext metered = context;
    metered.hooks.progress = [&](const Progress& progress) {
      meter.sample();
      context.hooks.progress(progress);
    };
    StageWork work = work_on(assign, metered);
    if (work.body) work.body->at("provenance").as_object()["cost"] = meter.read();
    if (work.stopped_at >= 0) {
      fail(ErrorCode::Unavailable, "handed back at step " + std::to_string(work.stopped_at));
    } else {
      end.report = wire::Result{.stage = assign.stage,
                                .fence = assign.fence,
                                .body = std::move(work.body).value_or(boost::json::object{})};
    }
  } catch (const GangError& error) {
    fail(error.code(), error.what());
  } catch (const std::exception&) {
    const Error error = current_error();
    fail(error.code(), error.what());
    end.is_gang_broken = context.collective.size() > 1;
  }
  return end;
}

void forget_checkpoints(const fs::path& workspace, const std::string& stage) {
  CheckpointStore(checkpoint_folder(workspace, stage)).clear();
}

fs::path object_path(const fs::path& workspace, const std::string& sha256) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (sha256.size() != 64 || sha256.find_first_not_of(kDigits) != std::string::npos) {
    throw_corrupt("\"" + sha256 + "\" is no SHA-256");
  }
  return workspace / "objects" / (sha256 + ".safetensors");
}

}  // namespace reprise::worker
