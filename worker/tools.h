#pragma once
/// Commands of `reprise` that need LibTorch and no gang.

namespace reprise::worker {

/// Runs `golden DIR` or `infer JOB` where argv[1] is one of them; -1 otherwise, else the exit code.
int run_tool(int argc, char** argv);

}  // namespace reprise::worker
