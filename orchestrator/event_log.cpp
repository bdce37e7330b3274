#include "orchestrator/event_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// "2026-11-25T13:49:51.204Z"
std::string time_text() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%FT%T", &parts);
  std::array<char, 8> fraction{};
  (void)std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(ms));
  return std::string(text.data(), size) + fraction.data();
}

fs::path numbered(const fs::path& file, int number) {
  fs::path result = file;
  result += "." + std::to_string(number);
  return result;
}

}  // namespace

RotatingFile::RotatingFile(fs::path file, std::uint64_t bytes_max, int kept)
    : file_(std::move(file)), bytes_max_(bytes_max), kept_(kept) {
  open();
}

RotatingFile::~RotatingFile() {
  if (fd_ >= 0) ::close(fd_);
}

void RotatingFile::open() {
  std::error_code ignored;
  fs::create_directories(file_.parent_path(), ignored);
  fd_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  struct stat info{};
  bytes_ = fd_ >= 0 && ::fstat(fd_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

void RotatingFile::rotate() {
  if (fd_ >= 0) ::close(fd_);
  std::error_code ignored;
  for (int i = kept_; i > 1; --i) fs::rename(numbered(file_, i - 1), numbered(file_, i), ignored);
  fs::rename(file_, numbered(file_, 1), ignored);
  open();
}

void RotatingFile::write(const std::string& line) {
  if (fd_ < 0) open();
  std::string text;
  if (dropped_ > 0) {
    text = R"({"event":"dropped","lines":)" + std::to_string(dropped_) + "}\n";
  }
  text += line + '\n';
  if (bytes_ > 0 && bytes_ + text.size() > bytes_max_) rotate();
  const ssize_t written = fd_ < 0 ? -1 : ::write(fd_, text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size())) {
    bytes_ += text.size();
    dropped_ = 0;
    return;
  }
  // Half a line would make the next one unreadable.
  if (written > 0 && ::ftruncate(fd_, static_cast<off_t>(bytes_)) != 0) rotate();
  ++dropped_;
}

EventLog::EventLog(const fs::path& workspace, Observer& next)
    : file_(event_log_file(workspace), kBytesMax, kFilesKept), next_(next) {}

void EventLog::on_change(const std::vector<StageStatus>& all, const StageStatus& changed) {
  if (changed.state != "blocked" && changed.state != "ready" && !changed.reused) {
    boost::json::object line{{"time", time_text()},
                             {"event", "stage"},
                             {"stage", changed.stage->id},
                             {"label", changed.stage->label},
                             {"state", changed.state}};
    if (!changed.gang.empty()) line["gang"] = changed.gang;
    if (!changed.message.empty()) line["message"] = changed.message;
    file_.write(boost::json::serialize(line));
  }
  next_.on_change(all, changed);
}

void EventLog::on_note(const std::string& text) {
  file_.write(boost::json::serialize(
      boost::json::object{{"time", time_text()}, {"event", "note"}, {"text", text}}));
  next_.on_note(text);
}

fs::path event_log_file(const fs::path& workspace) {
  return workspace / "logs" / "coordinator.jsonl";
}

}  // namespace reprise
