/// A gang without tensors for the browser's tests, told what to do by files in WORKSPACE/orders:
///
///   hold   while it is there, a pretraining goes on and tells its progress
///   fail   the next stage takes it away and fails
///
/// Every other stage ends at once.
#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "sweep/digest.h"
#include "sweep/files.h"
#include "worker/link.h"

namespace {

using namespace reprise;
namespace fs = std::filesystem;

constexpr std::int64_t kSteps = 500'000;

/// False where it was told to stop.
bool train(worker::Link& link, const fs::path& orders) {
  for (std::int64_t step = 0; fs::exists(orders / "hold"); step += 10) {
    if (link.stop_requested()) return false;
    wire::Heartbeat beat;
    beat.progress = step;
    beat.progress_end = kSteps;
    beat.loss = 0.25;
    beat.steps_per_second = 200;
    link.report_progress(beat);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

void work(worker::Link& link, const fs::path& workspace, const wire::Assign& assign) {
  if (fs::remove(workspace / "orders" / "fail")) {
    link.send_failure({assign.stage, assign.fence, "invalid-input", "told to fail"});
    return;
  }
  if (assign.kind == "pretrain" && !train(link, workspace / "orders")) {
    link.send_failure({assign.stage, assign.fence, "unavailable", "handed back"});
    return;
  }
  wire::Result result{.stage = assign.stage, .fence = assign.fence, .body = {}};
  boost::json::object artifacts;
  if (assign.kind != "evaluate") {
    const std::string weights = "weights of " + assign.stage;
    const std::string digest = sha256_hex(weights);
    write_file_atomically(workspace / "objects" / (digest + ".safetensors"), weights);
    artifacts["weights"] = {{"sha256", digest},
                            {"bytes", static_cast<std::int64_t>(weights.size())}};
  }
  result.body["artifacts"] = std::move(artifacts);
  result.body["scalars"] = boost::json::object{};
  link.send_result(result);
}

}  // namespace

int main(int argc, char** argv) {
  std::string workspace;
  std::string gang;
  CLI::App app{"A gang that trains nothing"};
  app.allow_extras();
  app.add_option("--workspace", workspace)->required();
  app.add_option("--gang", gang)->required();
  CLI11_PARSE(app, argc, argv);
  worker::Link link({.workspace = workspace, .gang = gang});
  while (const auto assign = link.next_assignment()) work(link, workspace, *assign);
  return 0;
}
