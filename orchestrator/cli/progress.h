#pragma once
/// What `reprise run` shows while it runs: a live block of lines on a terminal, plain lines in a
/// log.

#include <chrono>
#include <string>
#include <vector>

#include "orchestrator/coordinator.h"

namespace reprise::cli {

class Progress : public Observer {
 public:
  /// `live`: redraw in place (a terminal); otherwise one line an event, and one a stage every
  /// `kLineEvery` while it runs.
  explicit Progress(bool live);
  ~Progress() override;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  Progress(Progress&&) = delete;
  Progress& operator=(Progress&&) = delete;

  void on_change(const std::vector<StageStatus>& all, const StageStatus& changed) override;
  void on_tick(const std::vector<StageStatus>& all) override;
  void on_note(const std::string& line) override;

 private:
  static constexpr std::chrono::seconds kLineEvery{10};

  void erase_block();
  void draw_block(const std::vector<StageStatus>& all);
  void print_line(const std::string& line);

  bool live_;
  int block_lines_ = 0;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_lines_ = started_;
};

}  // namespace reprise::cli
