#pragma once
/// What run and submit share: how many gangs, of what, started how.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "orchestrator/coordinator.h"

namespace reprise::cli {

struct LaunchFlags {
  int gangs = 0;
  int ranks = 1;
  int threads = 1;
  std::string device = "cpu";
  std::string bind;  ///< Empty: what the launcher needs.
  bool tls = false;
  int ranks_max = 0;
  double share = 1;
  int failures_max = 3;
  int lease_seconds = 15;
  int stall_seconds = 300;
  std::string partition, account, qos;
  int minutes = 0;
  int grace_seconds = 120;
  int idle_seconds = 60;
  int poll_seconds = 5;
  int vanish_seconds = 120;
  std::vector<std::string> slurm;
  std::string worker;  ///< Empty: reprise-worker beside this program.
};

void add_launch_options(CLI::App& command, LaunchFlags& flags);

/// Errors: InvalidInput naming the argument.
SlurmOptions slurm_options(const LaunchFlags& flags);
/// Everything but the paths. Errors: InvalidInput naming the argument.
RunOptions run_options(const LaunchFlags& flags, LauncherKind launcher);
/// The flags as words of `reprise run`.
std::vector<std::string> run_words(const LaunchFlags& flags, LauncherKind launcher);

/// The program that runs now.
std::filesystem::path own_binary();

}  // namespace reprise::cli
