/// A gang that trains on hashes instead of tensors, through the worker's own line and MPI session.
///
/// Each stage is a chain of steps whose state depends on everything before it, on its inputs' bytes
/// and on nothing else; ranks share a step's work and their sums are exact. It checkpoints and
/// resumes like the real worker. So a table made of its results is equal to the byte exactly if
/// nothing was lost, repeated or mixed up, in a hundredth of the time.
///
/// Environment: CHAOS_STEP_MS (default 2); CHAOS_FAULT="KIND:RANK:STEP:WHAT", done once a workspace
/// at that step of the first stage of that kind; WHAT is a signal's number, or nan, throw, oom,
/// exit3.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <new>
#include <thread>

#include "sweep/digest.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/json.h"
#include "worker/link.h"
#include "worker/mpi.h"

// MPI and its plugins leave memory behind at exit. LeakSanitizer would make each gang's exit a
// failure, and look for leaks in a second process that counts as a rank.
extern "C" int __lsan_is_turned_off() { return 1; }

namespace reprise {
namespace {

namespace fs = std::filesystem;
using worker::Link;
using worker::MpiSession;

constexpr int kItems = 8;  ///< Of a step's global batch.
constexpr std::int64_t kCheckpointEvery = 5;

std::uint64_t number_of(const std::string& text) {
  return std::stoull(sha256_hex(text).substr(0, 12), nullptr, 16);
}

struct Gang {
  const MpiSession& mpi;
  Link* link;
  fs::path workspace;
  std::int64_t step_ms = 2;
};

fs::path object_of(const Gang& gang, const std::string& digest) {
  return gang.workspace / "objects" / (digest + ".safetensors");
}

/// Where a checkpoint holds "STEP STATE SHA256".
struct Checkpoints {
  fs::path file;

  void save(std::int64_t step, std::uint64_t state) const {
    const std::string text = std::to_string(step) + " " + std::to_string(state);
    write_file_atomically(file, text + " " + sha256_hex(text));
  }
  /// Leaves both as they are if there is none, or it is damaged.
  void load(std::int64_t& step, std::uint64_t& state) const {
    std::ifstream in(file);
    std::int64_t saved_step = 0;
    std::uint64_t saved_state = 0;
    std::string hash;
    if (!(in >> saved_step >> saved_state >> hash)) return;
    const std::string text = std::to_string(saved_step) + " " + std::to_string(saved_state);
    if (sha256_hex(text) != hash) {
      std::cerr << "chaos-gang: " << file << ": damaged checkpoint, not used\n";
      return;
    }
    step = saved_step;
    state = saved_state;
  }
};

void fault_at(const Gang& gang, const std::string& kind, std::int64_t step) {
  const char* wanted = std::getenv("CHAOS_FAULT");
  if (wanted == nullptr) return;
  const std::string prefix =
      kind + ":" + std::to_string(gang.mpi.rank()) + ":" + std::to_string(step) + ":";
  const std::string text(wanted);
  if (!text.starts_with(prefix)) return;
  const std::string what = text.substr(prefix.size());
  const bool always = what.ends_with("!");
  const fs::path marker = gang.workspace / "fault-done";
  if (!always && fs::exists(marker)) return;
  std::ofstream(marker) << "x";
  if (what.starts_with("nan")) throw Error(ErrorCode::InvalidInput, "the loss is not finite");
  if (what.starts_with("throw")) throw Error(ErrorCode::Internal, "told to throw");
  if (what.starts_with("oom")) throw std::bad_alloc();
  if (what.starts_with("exit")) ::_exit(3);
  ::raise(std::atoi(what.c_str()));
}

/// One step over all ranks: true if it was done, false if rank 0 was asked to stop.
bool step_together(const Gang& gang, std::uint64_t& state, std::int64_t step) {
  double sums[2] = {0, 0};
  for (int item = gang.mpi.rank(); item < kItems; item += gang.mpi.size()) {
    sums[0] += static_cast<double>(
        number_of(std::to_string(state) + "/" + std::to_string(step) + "/" + std::to_string(item)));
  }
  if (gang.link != nullptr && gang.link->stop_requested()) sums[1] = 1;
  gang.mpi.sum(std::span<double>(sums));
  if (sums[1] != 0) return false;
  state = state * 6364136223846793005ULL + static_cast<std::uint64_t>(sums[0]);
  return true;
}

boost::json::object rows_of(std::uint64_t state) {
  boost::json::array subject;
  boost::json::array slice;
  boost::json::object values;
  const char* kMetrics[] = {"PSNR", "SSIM", "Dice-T", "Dice-G"};
  for (int i = 0; i < 6; ++i) {
    subject.emplace_back(i / 3);
    slice.emplace_back(i % 3);
  }
  for (const char* metric : kMetrics) {
    boost::json::array cells;
    for (int i = 0; i < 6; ++i) {
      const auto value = number_of(std::to_string(state) + metric + std::to_string(i)) % 1000003;
      cells.emplace_back(static_cast<double>(value) / 1000003);
    }
    values[metric] = std::move(cells);
  }
  return {{"subjects", {"one", "two"}},
          {"subject", std::move(subject)},
          {"slice", std::move(slice)},
          {"values", std::move(values)}};
}

wire::Result result_of(const Gang& gang, const wire::Assign& assign, std::uint64_t state) {
  wire::Result result{.stage = assign.stage, .fence = assign.fence, .body = {}};
  if (assign.kind == "evaluate") {
    result.body["artifacts"] = boost::json::object{};
    result.body["rows"] = rows_of(state);
  } else {
    const std::string weights = "weights " + std::to_string(state);
    const std::string digest = sha256_hex(weights);
    write_file_atomically(object_of(gang, digest), weights);
    result.body["artifacts"] = {
        {"weights", {{"sha256", digest}, {"bytes", static_cast<std::int64_t>(weights.size())}}}};
  }
  result.body["scalars"] = {{"state", static_cast<std::int64_t>(state % 1000003)}};
  return result;
}

/// Nothing: handed back.
std::optional<std::uint64_t> run_steps(const Gang& gang, const wire::Assign& assign) {
  std::uint64_t state = number_of(assign.stage);
  for (const auto& [role, digest] : assign.inputs) {
    const std::string weights = read_file(object_of(gang, digest));
    if (sha256_hex(weights) != digest) throw_corrupt(digest + ": damaged weights");
    state += number_of(role + weights);
  }
  const auto* train = assign.config.if_contains("train");
  const std::int64_t steps =
      train == nullptr ? 4 : train->as_object().at("steps").to_number<std::int64_t>();
  const Checkpoints checkpoints{gang.workspace / "checkpoints" / assign.stage / "chaos"};
  std::int64_t step = 0;
  checkpoints.load(step, state);
  for (; step < steps; ++step) {
    fault_at(gang, assign.kind, step);
    std::this_thread::sleep_for(std::chrono::milliseconds(gang.step_ms));
    const bool went_on = step_together(gang, state, step);
    if (gang.link != nullptr && (!went_on || (step + 1) % kCheckpointEvery == 0)) {
      checkpoints.save(went_on ? step + 1 : step, state);
    }
    if (!went_on) return std::nullopt;
    if (gang.link != nullptr) {
      gang.link->report_progress({.stage = "",
                                  .fence = 0,
                                  .progress = step + 1,
                                  .progress_end = steps,
                                  .loss = 1,
                                  .steps_per_second = 1});
    }
  }
  return state;
}

void work(const Gang& gang, const wire::Assign& assign) {
  wire::Failure failure{.stage = assign.stage, .fence = assign.fence, .code = "", .message = ""};
  try {
    const auto state = run_steps(gang, assign);
    if (gang.link == nullptr) return;
    if (state) {
      gang.link->send_result(result_of(gang, assign, *state));
      return;
    }
    failure.code = to_string(ErrorCode::Unavailable);
    failure.message = "handed back";
  } catch (const Error& error) {
    failure.code = to_string(error.code());
    failure.message = error.what();
  } catch (const std::bad_alloc&) {
    failure.code = to_string(ErrorCode::Exhausted);
    failure.message = "out of memory";
  }
  if (gang.link != nullptr) gang.link->send_failure(failure);
  // The ranks are out of step now, unless all of them handed back.
  if (gang.mpi.size() > 1 && failure.message != "handed back") MpiSession::abort(4);
}

void serve(const fs::path& workspace, const std::string& name) {
  const MpiSession mpi;
  std::unique_ptr<Link> link;
  if (mpi.rank() == 0) {
    link = std::make_unique<Link>(worker::LinkOptions{
        .workspace = workspace, .gang = name, .ranks = mpi.size(), .device = "cpu"});
  } else {
    ::signal(SIGUSR1, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
  }
  Gang gang{.mpi = mpi, .link = link.get(), .workspace = workspace};
  if (const char* pace = std::getenv("CHAOS_STEP_MS")) gang.step_ms = std::atoi(pace);
  while (true) {
    std::string text;
    if (link) {
      if (const auto next = link->next_assignment()) text = wire::encode(wire::ToGang(*next));
    }
    mpi.quiet_barrier();
    text = mpi.broadcast(std::move(text), 0);
    if (text.empty()) return;
    work(gang, std::get<wire::Assign>(wire::decode_to_gang(text)));
  }
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  std::string workspace;
  std::string gang;
  CLI::App app{"A gang that trains on hashes"};
  app.allow_extras();
  app.add_option("--workspace", workspace)->required();
  app.add_option("--gang", gang)->required();
  CLI11_PARSE(app, argc, argv);
  try {
    reprise::serve(workspace, gang);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "chaos-gang: " << error.what() << '\n';
    return 1;
  }
}
