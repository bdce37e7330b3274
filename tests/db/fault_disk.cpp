#include "tests/db/fault_disk.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

namespace reprise::db::testing {
namespace {

constexpr sqlite3_int64 kSector = 512;
using Sector = std::vector<char>;

}  // namespace

/// What is needed to go back to the last sync.
struct FaultDisk::Unsynced {
  sqlite3_int64 synced_size = 0;
  std::map<sqlite3_int64, Sector> before;  ///< Offset to what stood there; empty beyond the end.
};

struct FaultDisk::File {
  sqlite3_file base{};
  FaultDisk* disk = nullptr;
  sqlite3_file* real = nullptr;  ///< Lies behind this object.
  Unsynced* unsynced = nullptr;  ///< Null for temporary files.
};

struct FaultDisk::Calls {
  static File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static FaultDisk* of(sqlite3_vfs* vfs) { return static_cast<FaultDisk*>(vfs->pAppData); }

  static void remember(File* file, sqlite3_int64 from, sqlite3_int64 to) {
    if (file->unsynced == nullptr) return;
    sqlite3_int64 size = 0;
    file->real->pMethods->xFileSize(file->real, &size);
    for (sqlite3_int64 at = from / kSector * kSector; at < to; at += kSector) {
      if (file->unsynced->before.contains(at)) continue;
      Sector sector(static_cast<std::size_t>(std::clamp(size - at, sqlite3_int64{0}, kSector)));
      if (!sector.empty()) {
        file->real->pMethods->xRead(file->real, sector.data(), static_cast<int>(sector.size()), at);
      }
      file->unsynced->before.emplace(at, std::move(sector));
    }
  }

  static int close(sqlite3_file* raw) {
    File* file = of(raw);
    return file->real->pMethods->xClose(file->real);
  }
  static int read(sqlite3_file* raw, void* data, int count, sqlite3_int64 at) {
    File* file = of(raw);
    const int code = file->disk->strike(SQLITE_IOERR_READ, false);
    return code != SQLITE_OK ? code : file->real->pMethods->xRead(file->real, data, count, at);
  }
  static int write(sqlite3_file* raw, const void* data, int count, sqlite3_int64 at) {
    File* file = of(raw);
    const int code = file->disk->strike(SQLITE_IOERR_WRITE, true);
    if (code != SQLITE_OK && !file->disk->tears()) return code;
    const int done = code == SQLITE_OK ? count : count / 2;
    remember(file, at, at + done);
    const int written = file->real->pMethods->xWrite(file->real, data, done, at);
    return code != SQLITE_OK ? code : written;
  }
  static int truncate(sqlite3_file* raw, sqlite3_int64 size) {
    File* file = of(raw);
    const int code = file->disk->strike(SQLITE_IOERR_TRUNCATE, true);
    if (code != SQLITE_OK) return code;
    sqlite3_int64 old = 0;
    file->real->pMethods->xFileSize(file->real, &old);
    remember(file, size, old);
    return file->real->pMethods->xTruncate(file->real, size);
  }
  static int sync(sqlite3_file* raw, int) {
    File* file = of(raw);
    const int code = file->disk->strike(SQLITE_IOERR_FSYNC, false);
    if (code != SQLITE_OK || file->unsynced == nullptr) return code;
    file->unsynced->before.clear();
    return file->real->pMethods->xFileSize(file->real, &file->unsynced->synced_size);
  }
  static int size(sqlite3_file* raw, sqlite3_int64* size) {
    return of(raw)->real->pMethods->xFileSize(of(raw)->real, size);
  }
  static int lock(sqlite3_file* raw, int level) {
    return of(raw)->real->pMethods->xLock(of(raw)->real, level);
  }
  static int unlock(sqlite3_file* raw, int level) {
    return of(raw)->real->pMethods->xUnlock(of(raw)->real, level);
  }
  static int reserved(sqlite3_file* raw, int* held) {
    return of(raw)->real->pMethods->xCheckReservedLock(of(raw)->real, held);
  }
  static int control(sqlite3_file* raw, int what, void* data) {
    return of(raw)->real->pMethods->xFileControl(of(raw)->real, what, data);
  }
  static int sector(sqlite3_file*) { return static_cast<int>(kSector); }
  static int traits(sqlite3_file*) { return 0; }
  static int shm_map(sqlite3_file* raw, int page, int size, int extend, void volatile** memory) {
    return of(raw)->real->pMethods->xShmMap(of(raw)->real, page, size, extend, memory);
  }
  static int shm_lock(sqlite3_file* raw, int offset, int count, int flags) {
    return of(raw)->real->pMethods->xShmLock(of(raw)->real, offset, count, flags);
  }
  static void shm_barrier(sqlite3_file* raw) {
    of(raw)->real->pMethods->xShmBarrier(of(raw)->real);
  }
  static int shm_unmap(sqlite3_file* raw, int remove) {
    return of(raw)->real->pMethods->xShmUnmap(of(raw)->real, remove);
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* raw, int flags, int* out) {
    static constexpr sqlite3_io_methods kMethods{2,           close,     read,    write,   truncate,
                                                 sync,        size,      lock,    unlock,  reserved,
                                                 control,     sector,    traits,  shm_map, shm_lock,
                                                 shm_barrier, shm_unmap, nullptr, nullptr};
    FaultDisk* disk = of(vfs);
    File* file = of(raw);
    *file = File{};
    const int code = disk->strike(SQLITE_CANTOPEN, (flags & SQLITE_OPEN_CREATE) != 0);
    if (code != SQLITE_OK) return code;
    file->disk = disk;
    file->real = reinterpret_cast<sqlite3_file*>(file + 1);
    const int opened = disk->real_->xOpen(disk->real_, name, file->real, flags, out);
    if (file->real->pMethods == nullptr) return opened;
    file->base.pMethods = &kMethods;
    if (name == nullptr) return opened;
    auto& unsynced = disk->unsynced_[name];
    if (!unsynced) {
      unsynced = std::make_shared<Unsynced>();
      file->real->pMethods->xFileSize(file->real, &unsynced->synced_size);
    }
    file->unsynced = unsynced.get();
    return opened;
  }
  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    FaultDisk* disk = of(vfs);
    const int code = disk->strike(SQLITE_IOERR_DELETE, false);
    if (code != SQLITE_OK) return code;
    disk->unsynced_.erase(name);
    return disk->real_->xDelete(disk->real_, name, sync_folder);
  }
};

FaultDisk::FaultDisk()
    : real_(sqlite3_vfs_find(nullptr)), own_(std::make_unique<sqlite3_vfs>(*real_)) {
  own_->pNext = nullptr;
  own_->zName = "fault-disk";
  own_->szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
  own_->pAppData = this;
  own_->xOpen = Calls::open;
  own_->xDelete = Calls::remove;
  sqlite3_vfs_register(own_.get(), 1);
}

FaultDisk::~FaultDisk() {
  sqlite3_vfs_unregister(own_.get());
  sqlite3_vfs_register(real_, 1);
}

void FaultDisk::arm(Fault fault, int at, bool for_ever) {
  fault_ = fault;
  at_ = at;
  for_ever_ = for_ever;
  calls_ = 0;
}

int FaultDisk::strike(int failure, bool writes) {
  ++calls_;
  const bool now = calls_ == at_ || (calls_ > at_ && (for_ever_ || fault_ == Fault::Off));
  if (fault_ == Fault::None || !now) return SQLITE_OK;
  if (fault_ == Fault::Full) return writes ? SQLITE_FULL : SQLITE_OK;
  if (fault_ == Fault::Torn && !writes) return SQLITE_OK;
  return failure;
}

void FaultDisk::lose_unsynced(std::uint64_t seed) {
  std::mt19937_64 dice(seed);
  for (const auto& [path, file] : unsynced_) {
    if (file->before.empty() || !std::filesystem::exists(path)) continue;
    std::fstream disk(path, std::ios::in | std::ios::out | std::ios::binary);
    for (const auto& [at, sector] : file->before) {
      if (dice() % 2 == 0) continue;
      // What stood there, or zeros where the file had no such sector.
      Sector old = sector;
      old.resize(static_cast<std::size_t>(kSector), 0);
      disk.seekp(at);
      disk.write(old.data(), static_cast<std::streamsize>(old.size()));
    }
    disk.close();
    const auto size = static_cast<sqlite3_int64>(std::filesystem::file_size(path));
    if (size != file->synced_size && dice() % 2 == 0) {
      std::filesystem::resize_file(path, static_cast<std::uintmax_t>(file->synced_size));
    }
  }
  unsynced_.clear();
}

}  // namespace reprise::db::testing
