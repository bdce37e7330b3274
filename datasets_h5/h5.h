#pragma once
/// The little of HDF5 that Reprise uses, with owned handles and errors as exceptions.
///
/// Only this header includes hdf5.h. The library prints nothing, loads no plugins, and is not
/// thread-safe: hold `lock()` around every use.

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::datasets::h5 {

/// Serialises all use of the HDF5 library in this process.
std::unique_lock<std::recursive_mutex> lock();

/// An owned HDF5 identifier. Move-only.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  [[nodiscard]] hid_t get() const { return id_; }
  /// Closes now and reports whether that worked: for a file, that its bytes were flushed.
  bool reset();

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

using Shape = std::vector<hsize_t>;

/// An HDF5 file of chunked arrays and text attributes. Every array is stored with shuffle, gzip-1
/// and fletcher32 in the newest file format, whose metadata carries checksums too.
class File {
 public:
  File() = default;
  /// `name` is what messages call the file. Errors: Unavailable.
  static File create(const std::filesystem::path& path, const std::string& name);
  /// Errors: InvalidInput if it does not exist, Corrupt if it is not a whole HDF5 file.
  static File open(const std::filesystem::path& path);

  /// Makes an empty array that grows along its first axis a chunk at a time. Errors: Unavailable.
  void create_growing_array(const char* name, hid_t type, const Shape& chunk);
  /// Makes it `count` long. Errors: Unavailable.
  void grow(const char* name, hsize_t count);
  /// Writes `count` elements (per axis) at `start`. Errors: Unavailable (disk full).
  void write(const char* name, hid_t type, const Shape& start, const Shape& count,
             const void* data);
  /// Makes an array and writes the whole of it, in one chunk.
  void write_all(const char* name, hid_t type, const Shape& shape, const void* data);
  void write_strings(const char* name, const std::vector<std::string>& values);
  void write_attribute(const char* name, const std::string& text);

  [[nodiscard]] bool has(const char* name) const;
  /// Shape of an array. Refuses everything that is not plain chunked storage with our filters, and
  /// shapes that the file is too small to hold. Errors: Corrupt.
  [[nodiscard]] Shape shape(const char* name) const;
  /// True if the array's stored type is `type`.
  [[nodiscard]] bool has_type(const char* name, hid_t type) const;
  void read(const char* name, hid_t type, const Shape& start, const Shape& count, void* data) const;
  void read_all(const char* name, hid_t type, const Shape& shape, void* data) const;
  [[nodiscard]] std::vector<std::string> read_strings(const char* name) const;
  [[nodiscard]] std::string read_attribute(const char* name) const;

  /// Flushes and closes. Errors: Unavailable.
  void close();

 private:
  File(Handle file, std::string name, std::uint64_t bytes)
      : file_(std::move(file)), name_(std::move(name)), bytes_(bytes) {}
  /// Arrays stay open once they have been used.
  [[nodiscard]] const Handle& array(const char* name) const;
  void create_array(const char* name, hid_t type, const Shape& shape, const Shape& largest,
                    const Shape& chunk);
  void check_link(const char* name) const;
  [[noreturn]] void corrupt(std::string_view what) const;
  [[noreturn]] void unwritable(std::string_view what) const;

  Handle file_;
  std::string name_;
  std::uint64_t bytes_ = 0;                     ///< Size on disk when opened.
  mutable std::map<std::string, Handle> open_;  ///< Closed before the file is.
};

}  // namespace reprise::datasets::h5
