/// A gang without MPI or LibTorch that returns every stage at once, through the worker's own line.
#include <CLI/CLI.hpp>
#include <string>

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
  worker::Link link({.workspace = workspace, .gang = gang});
  while (const auto assign = link.next_assignment()) {
    wire::Result result{.stage = assign->stage, .fence = assign->fence, .body = {}};
    result.body["artifacts"] = boost::json::object{};
    result.body["scalars"] = boost::json::object{};
    link.post_result(result, [] {});
  }
  return 0;
}
