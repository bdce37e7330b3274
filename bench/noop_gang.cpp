/// A gang without MPI or LibTorch that returns every stage at once, through the worker's own line;
/// after NOOP_MS milliseconds where that is set.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "sweep/digest.h"
#include "sweep/files.h"
#include "worker/link.h"

int main(int argc, char** argv) {
  using namespace reprise;
  std::string workspace;
  std::string gang;
  CLI::App app{"A gang whose stages do nothing"};
  app.allow_extras();
  app.add_option("--workspace", workspace)->required();
  app.add_option("--gang", gang)->required();
  CLI11_PARSE(app, argc, argv);
  // All trainings have the same weights: later stages need some.
  const std::string weights = "no weights";
  const std::string digest = sha256_hex(weights);
  const auto file = std::filesystem::path(workspace) / "objects" / (digest + ".safetensors");
  if (!std::filesystem::exists(file)) write_file_atomically(file, weights);
  const char* pause = std::getenv("NOOP_MS");
  const std::chrono::milliseconds work(pause == nullptr ? 0 : std::atoi(pause));
  worker::Link link({.workspace = workspace, .gang = gang});
  while (const auto assign = link.next_assignment()) {
    std::this_thread::sleep_for(work);
    wire::Result result{.stage = assign->stage, .fence = assign->fence, .body = {}};
    boost::json::object artifacts;
    if (assign->kind != "evaluate") {
      artifacts["weights"] = {{"sha256", digest},
                              {"bytes", static_cast<std::int64_t>(weights.size())}};
    }
    result.body["artifacts"] = std::move(artifacts);
    result.body["scalars"] = boost::json::object{};
    link.post_result(result, [] {});
  }
  return 0;
}
