#include "worker/tools.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <iostream>
#include <string>

#include "models/torch.h"
#include "sweep/error.h"
#include "sweep/json.h"
#include "worker/golden/golden.h"
#include "worker/infer.h"

namespace reprise::worker {
namespace {

constexpr const char* kGoldenFooter = R"(
Each .safetensors file holds inputs, weights (or their formula) and outputs of the official PyTorch
code, as the README beside them describes. One line a file: verdict, name, kind, how many values were
compared, and the one nearest to its tolerance. Exit code 1 if any file does not agree.)";

int golden_tool(int argc, char** argv) {
  std::string folder;
  CLI::App app{"Checks recorded outputs of the official PyTorch code."};
  app.name("reprise golden");
  app.footer(kGoldenFooter);
  app.add_option("folder", folder, "Folder of .safetensors files")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    throw_invalid(std::string(error.what()) + " (see reprise golden --help)");
  }
  return golden::check_folder(folder, std::cout) ? 0 : 1;
}

int infer_tool(int argc, char** argv) {
  if (argc != 2) throw_invalid("reprise-worker infer: takes one job");
  infer(sweep::parse_json(argv[1], "the job").as_object(), std::cerr);
  return 0;
}

}  // namespace

int run_tool(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name != "golden" && name != "infer") return -1;
  try {
    return name == "golden" ? golden_tool(argc - 1, argv + 1) : infer_tool(argc - 1, argv + 1);
  } catch (const Error& error) {
    std::cerr << "reprise: error: " << error.what() << '\n';
    return static_cast<int>(error.code());
  } catch (const c10::OutOfMemoryError& error) {
    std::cerr << "reprise: error: out of memory\n";
    return static_cast<int>(ErrorCode::Exhausted);
  } catch (const c10::Error& error) {
    std::cerr << "reprise: error: this is a bug in Reprise: " << error.what_without_backtrace()
              << '\n';
    return static_cast<int>(ErrorCode::Internal);
  } catch (const std::exception& error) {
    std::cerr << "reprise: error: this is a bug in Reprise: " << error.what() << '\n';
    return static_cast<int>(ErrorCode::Internal);
  }
}

}  // namespace reprise::worker
