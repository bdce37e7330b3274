#include "orchestrator/stage_log.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "orchestrator/log_marker.h"
#include "sweep/error.h"

namespace reprise {
namespace {

constexpr std::string_view kMarker = "== stage ";

}  // namespace

StageLog::StageLog(std::filesystem::path file, const std::string& stage, std::int64_t fence)
    : file_(std::move(file)) {
  marker_ = log_marker(stage, fence, "");  // Without a label: the beginning of every such line.
}

std::string StageLog::read(bool end) {
  std::string result;
  std::error_code missing;
  if (!std::filesystem::exists(file_, missing)) return result;
  std::ifstream in(file_, std::ios::binary);
  if (!in) {
    throw Error(ErrorCode::Unavailable, file_.string() + ": cannot open: " + std::strerror(errno));
  }
  in.seekg(static_cast<std::streamoff>(at_));
  const auto take = [&](const std::string& line) {
    if (line.starts_with(kMarker)) {
      inside_ = line.starts_with(marker_);
      begun_ = begun_ || inside_;
    } else if (inside_) {
      result += line;
    }
  };
  std::array<char, 65536> block{};
  while (in.read(block.data(), block.size()), in.gcount() > 0) {
    at_ += static_cast<std::uintmax_t>(in.gcount());
    rest_.append(block.data(), static_cast<std::size_t>(in.gcount()));
    std::size_t from = 0;
    for (std::size_t to = 0; (to = rest_.find('\n', from)) != std::string::npos; from = to + 1) {
      take(rest_.substr(from, to + 1 - from));
    }
    rest_.erase(0, from);
  }
  if (end && !rest_.empty()) {
    take(rest_ + '\n');
    rest_.clear();
  }
  return result;
}

}  // namespace reprise
