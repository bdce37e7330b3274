/// reprise-worker: one rank of a gang. Rank 0 takes stages from the coordinator, all ranks run
/// them, until the coordinator says Shutdown or stays away.

#include <malloc.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "models/torch.h"
#include "sweep/error.h"
#include "worker/collective.h"
#include "worker/link.h"
#include "worker/mpi.h"
#include "worker/nvml.h"
#include "worker/residency.h"
#include "worker/stage_runner.h"
#include "worker/tools.h"

namespace reprise::worker {
namespace {

struct Arguments {
  std::string workspace;
  std::string gang;
  std::string device = "cpu";
  int threads = 1;
};

/// The device of a local rank: the launcher says which of the host's ranks we are.
torch::Device device_of(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (!torch::cuda::is_available()) {
    throw Error(ErrorCode::Unavailable, "--device cuda: no CUDA device is visible");
  }
  const char* local = std::getenv("OMPI_COMM_WORLD_LOCAL_RANK");
  if (local == nullptr) local = std::getenv("SLURM_LOCALID");
  const int index = local == nullptr ? 0 : std::atoi(local);
  const auto count = static_cast<int>(torch::cuda::device_count());
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(index % count)};
}

/// Rank 0: sends what came of a stage. False when the gang should end.
bool report(Link& link, const StageEnd& end, const std::string& workspace) {
  if (const auto* result = std::get_if<wire::Result>(&end.report)) {
    const std::string& stage = result->stage;
    link.post_result(*result, [workspace, stage] { forget_checkpoints(workspace, stage); });
  } else {
    const auto& failure = std::get<wire::Failure>(end.report);
    std::cerr << "reprise-worker: stage " << failure.stage.substr(0, 12) << ": " << failure.message
              << '\n';
    link.send_failure(failure);
  }
  return !end.is_gang_broken;
}

/// Rank 0's hooks: the line decides when to stop and hears of progress.
StageHooks hooks_of(Link* link) {
  StageHooks hooks;
  if (link == nullptr) return hooks;
  hooks.stop_requested = [link] { return link->stop_requested(); };
  hooks.progress = [link](const Progress& progress) {
    wire::Heartbeat heartbeat;
    heartbeat.progress = progress.done;
    heartbeat.progress_end = progress.end;
    heartbeat.loss = progress.loss;
    heartbeat.steps_per_second = progress.steps_per_second;
    link->report_progress(heartbeat);
  };
  return hooks;
}

void serve(const Arguments& arguments) {
  const MpiSession mpi;
  const auto device = device_of(arguments.device);
  const auto collective = make_collective(mpi, device);
  SliceCache data(device, default_limits(device.is_cuda()));
  const Nvml nvml;
  std::unique_ptr<Link> link;
  if (mpi.rank() == 0) {
    link = std::make_unique<Link>(LinkOptions{.workspace = arguments.workspace,
                                              .gang = arguments.gang,
                                              .ranks = mpi.size(),
                                              .device = arguments.device});
  } else {
    // Rank 0 decides for all when to stop; mpirun passes these signals to every rank.
    std::signal(SIGUSR1, SIG_IGN);
    std::signal(SIGTERM, SIG_IGN);
  }
  while (true) {
    std::string text;  // Empty: leave.
    if (link) {
      if (const auto next = link->next_assignment()) text = wire::encode(wire::ToGang(*next));
    }
    mpi.quiet_barrier();
    text = mpi.broadcast(std::move(text), 0);
    if (text.empty()) return;
    const auto assign = std::get<wire::Assign>(wire::decode_to_gang(text));
    const auto end = run_stage(assign, {.workspace = arguments.workspace,
                                        .device = device,
                                        .collective = *collective,
                                        .data = data,
                                        .nvml = nvml,
                                        .hooks = hooks_of(link.get())});
    const bool goes_on = link ? report(*link, end, arguments.workspace) : !end.is_gang_broken;
    if (!goes_on) {
      if (!link) std::cerr << std::get<wire::Failure>(end.report).message << '\n';
      MpiSession::abort(static_cast<int>(ErrorCode::TrialFailed));
    }
  }
}

}  // namespace
}  // namespace reprise::worker

int main(int argc, char** argv) {
  using namespace reprise;
  if (const int code = worker::run_tool(argc, argv); code >= 0) return code;
  worker::Arguments arguments;
  CLI::App app{"One rank of a Reprise gang; started by mpirun."};
  app.footer(
      "REPRISE_DATA_MEMORY_MIB=N in the environment: a data set larger than N MiB is read from "
      "its file as it is needed (default: half of the free memory).");
  app.add_option("--workspace", arguments.workspace, "Shared folder of the study")->required();
  app.add_option("--gang", arguments.gang, "Name of the gang")->required();
  app.add_option("--threads", arguments.threads, "CPU threads a rank")->check(CLI::Range(1, 1024));
  app.add_option("--device", arguments.device)->check(CLI::IsMember({"cpu", "cuda"}));
  CLI11_PARSE(app, argc, argv);
  // A rank must not outlive the mpirun that started it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A step frees and takes the same large tensors again: kept by malloc, they cost no page faults
  // (two thirds of the time of a small network's step otherwise).
  (void)::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  (void)::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  (void)::mallopt(M_TOP_PAD, 64 << 20);
  torch::set_num_threads(arguments.threads);
  torch::set_num_interop_threads(1);
  try {
    worker::serve(arguments);
    return 0;
  } catch (const Error& error) {
    std::cerr << "reprise-worker: " << error.what() << '\n';
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << "reprise-worker: " << error.what() << '\n';
    return static_cast<int>(ErrorCode::Internal);
  }
}
