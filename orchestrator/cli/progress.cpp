#include "orchestrator/cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "sweep/printable.h"

namespace reprise::cli {
namespace {

std::string elapsed_text(std::chrono::steady_clock::time_point since) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - since)
          .count();
  return fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
}

std::string remaining_text(const StageStatus& status) {
  if (!(status.steps_per_second > 0)) return "";
  const auto left = static_cast<double>(status.progress_end - status.progress);
  return fmt::format(", {:.0f} s left", left / status.steps_per_second);
}

std::string running_text(const StageStatus& status) {
  std::string text =
      fmt::format("{} {}/{}", status.stage->label, status.progress, status.progress_end);
  if (status.loss != 0) text += fmt::format(", loss {:.4g}", status.loss);
  if (status.steps_per_second > 0) text += fmt::format(", {:.1f}/s", status.steps_per_second);
  return text + remaining_text(status) + " on " + status.gang;
}

std::string bar(const StageStatus& status) {
  constexpr int kWidth = 24;
  const auto end = std::max<std::int64_t>(status.progress_end, 1);
  const int filled =
      static_cast<int>(std::clamp<std::int64_t>(status.progress * kWidth / end, 0, kWidth));
  return "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] ";
}

}  // namespace

Progress::Progress(bool live) : live_(live) {}
Progress::~Progress() { erase_block(); }

void Progress::erase_block() {
  if (block_lines_ > 0) (void)std::fprintf(stderr, "\033[%dA\033[J", block_lines_);
  block_lines_ = 0;
}

void Progress::print_line(const std::string& line) {
  erase_block();
  (void)std::fprintf(stderr, "%s  %s\n", elapsed_text(started_).c_str(), printable(line).c_str());
  (void)std::fflush(stderr);
}

void Progress::on_change(const std::vector<StageStatus>& all, const StageStatus& changed) {
  if (changed.state == "blocked" || changed.state == "ready") return;
  std::string line = changed.state + "  " + changed.stage->label;
  if (changed.reused) line += " (already in the database)";
  if (changed.state == "running") line += " on " + changed.gang;
  if (!changed.message.empty()) line += ": " + changed.message;
  print_line(line);
  if (live_) draw_block(all);
}

void Progress::draw_block(const std::vector<StageStatus>& all) {
  erase_block();
  int done = 0;
  for (const StageStatus& status : all) {
    done += status.state == "done" ? 1 : 0;
    if (status.state != "running") continue;
    (void)std::fprintf(stderr, "  %s%s\n", bar(status).c_str(),
                       printable(running_text(status)).c_str());
    ++block_lines_;
  }
  (void)std::fprintf(stderr, "  %d of %zu stages done, %s\n", done, all.size(),
                     elapsed_text(started_).c_str());
  ++block_lines_;
  (void)std::fflush(stderr);
}

void Progress::on_tick(const std::vector<StageStatus>& all) {
  if (live_) {
    draw_block(all);
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - last_lines_ < kLineEvery) return;
  last_lines_ = now;
  for (const StageStatus& status : all) {
    if (status.state == "running") print_line("        " + running_text(status));
  }
}

void Progress::on_note(const std::string& line) { print_line(line); }

}  // namespace reprise::cli
