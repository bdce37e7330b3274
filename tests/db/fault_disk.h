#pragma once
/// A disk that fails under SQLite: a VFS around the real one, SQLite's default while it lives.
///
/// Every open, read, write, truncation, sync and deletion is a call that may be the one to fail.
/// Real fsyncs are left out: what was synced is remembered here, so that a cut of the power can
/// take back what was not.

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace reprise::db::testing {

enum class Fault : std::uint8_t {
  None,
  IoError,  ///< The call fails.
  Full,     ///< If it writes, it fails because the disk is full.
  Torn,     ///< If it writes, half of it is written, and it fails.
  Off       ///< From this call on nothing reaches the disk: the process or the machine died.
};

class FaultDisk {
 public:
  FaultDisk();
  ~FaultDisk();
  FaultDisk(const FaultDisk&) = delete;
  FaultDisk& operator=(const FaultDisk&) = delete;
  FaultDisk(FaultDisk&&) = delete;
  FaultDisk& operator=(FaultDisk&&) = delete;

  /// The `at`-th call from now on fails, and all later ones too if `for_ever`.
  void arm(Fault fault, int at, bool for_ever = false);
  void disarm() { arm(Fault::None, 0); }
  /// Calls since the disk was armed.
  [[nodiscard]] int calls() const { return calls_; }

  /// Once every connection is closed: of each sector that was written and not synced, chance
  /// decides whether it is there. Equal seeds lose equal sectors.
  void lose_unsynced(std::uint64_t seed);

 private:
  struct File;      // What SQLite holds.
  struct Unsynced;  // What a path's last sync left behind.
  struct Calls;     // SQLite's side of it.

  /// SQLITE_OK, or what this call fails with.
  int strike(int failure, bool writes);
  [[nodiscard]] bool tears() const { return fault_ == Fault::Torn; }

  sqlite3_vfs* real_;
  std::unique_ptr<sqlite3_vfs> own_;
  std::map<std::string, std::shared_ptr<Unsynced>> unsynced_;
  Fault fault_ = Fault::None;
  int at_ = 0, calls_ = 0;
  bool for_ever_ = false;
};

}  // namespace reprise::db::testing
