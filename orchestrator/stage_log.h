#pragma once
/// The part of a gang's log that belongs to one attempt at a stage.

#include <cstdint>
#include <filesystem>
#include <string>

namespace reprise {

class StageLog {
 public:
  /// `file`: the gang's log, which need not be there yet.
  StageLog(std::filesystem::path file, const std::string& stage, std::int64_t fence);

  /// What was added to the attempt's part since the last call, in whole lines; with `end` also a
  /// last line that is not complete. Errors: Unavailable for a file that cannot be read.
  std::string read(bool end);
  /// The attempt has a part in the log.
  [[nodiscard]] bool begun() const { return begun_; }

 private:
  std::filesystem::path file_;
  std::string marker_;
  std::uintmax_t at_ = 0;
  std::string rest_;  ///< Of an incomplete line.
  bool inside_ = false, begun_ = false;
};

}  // namespace reprise
