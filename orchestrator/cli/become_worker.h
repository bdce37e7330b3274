#pragma once
/// This program starts in milliseconds because it knows no LibTorch; what needs it, it becomes.

#include <string>
#include <vector>

namespace reprise::cli {

/// Replaces this process by the sibling `reprise-worker` with these arguments.
/// Errors: Unavailable.
[[noreturn]] void become_worker(std::vector<std::string> arguments);

}  // namespace reprise::cli
