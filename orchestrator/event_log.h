#pragma once
/// What a coordinator did, as JSON lines in WORKSPACE/logs/coordinator.jsonl, for people and tools
/// that come later:
///
///   {"time":"2026-11-25T13:49:51.204Z","event":"stage","stage":ID,"label":...,"state":"running",
///    "gang":...,"message":...}
///   {"time":...,"event":"note","text":...}
///
/// At `kBytesMax` the file becomes coordinator.jsonl.1, that one .2 and so on; `kFilesKept` old
/// ones stay.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/coordinator.h"

namespace reprise {

/// A file of lines that is put aside when it has grown too long. A disk that is full or gone stops
/// nobody's work: lines are dropped until it can be written again, and their number is written
/// then.
class RotatingFile {
 public:
  /// `kept`: how many old files stay, at least 1.
  RotatingFile(std::filesystem::path file, std::uint64_t bytes_max, int kept);
  ~RotatingFile();
  RotatingFile(const RotatingFile&) = delete;
  RotatingFile& operator=(const RotatingFile&) = delete;
  RotatingFile(RotatingFile&&) = delete;
  RotatingFile& operator=(RotatingFile&&) = delete;

  /// Adds `line` and a newline, in one write.
  void write(const std::string& line);
  /// Lines that could not be written since the last that could.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  void open();
  void rotate();

  std::filesystem::path file_;
  std::uint64_t bytes_max_;
  int kept_;
  int fd_ = -1;
  std::uint64_t bytes_ = 0, dropped_ = 0;
};

/// Writes everything it is told, then tells the next observer.
class EventLog final : public Observer {
 public:
  static constexpr std::uint64_t kBytesMax = 16U << 20U;
  static constexpr int kFilesKept = 5;

  /// `next` must outlive the log.
  EventLog(const std::filesystem::path& workspace, Observer& next);

  void on_change(const std::vector<StageStatus>& all, const StageStatus& changed) override;
  void on_tick(const std::vector<StageStatus>& all) override { next_.on_tick(all); }
  void on_note(const std::string& line) override;

 private:
  RotatingFile file_;
  Observer& next_;
};

/// WORKSPACE/logs/coordinator.jsonl
std::filesystem::path event_log_file(const std::filesystem::path& workspace);

}  // namespace reprise
