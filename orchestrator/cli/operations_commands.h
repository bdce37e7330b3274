#pragma once
/// The commands of people who look after a running sweep (docs/operations.md).

#include "orchestrator/cli/commands.h"

namespace reprise::cli {

/// pause, resume, drain, cancel, retry, prioritise, add.
void add_control_commands(CLI::App& app, ExitCode& exit);
void add_logs_command(CLI::App& app, ExitCode& exit);
void add_doctor_command(CLI::App& app, ExitCode& exit);

}  // namespace reprise::cli
