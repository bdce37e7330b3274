#include "datasets_h5/h5.h"

#include <algorithm>
#include <utility>

#include "sweep/error.h"

namespace reprise::datasets::h5 {
namespace {

namespace fs = std::filesystem;

/// Deflate cannot do better than 1032 : 1, so a larger claim is an attack or damage.
constexpr std::uint64_t kRatioMax = 1100;
constexpr std::size_t kTextMax = 16U << 20U;

void silence() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  // A damaged filter id must not make the library load code.
  H5PLset_loading_state(0);
}

Handle access_list(bool writing) {
  Handle list(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(list.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  // Files are immutable once renamed into place; locks fail on some network file systems.
  H5Pset_file_locking(list.get(), 0, 1);
  if (writing) H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG);
  return list;
}

Handle string_type(std::size_t size) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), std::max<std::size_t>(size, 1));
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

}  // namespace

std::unique_lock<std::recursive_mutex> lock() {
  static std::recursive_mutex mutex;
  return std::unique_lock(mutex);
}

Handle::Handle(Handle&& other) noexcept
    : id_(std::exchange(other.id_, H5I_INVALID_HID)),
      close_(std::exchange(other.close_, nullptr)) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    reset();
    id_ = std::exchange(other.id_, H5I_INVALID_HID);
    close_ = std::exchange(other.close_, nullptr);
  }
  return *this;
}

bool Handle::reset() {
  if (id_ < 0 || close_ == nullptr) return true;
  return close_(std::exchange(id_, H5I_INVALID_HID)) >= 0;
}

void File::corrupt(std::string_view what) const {
  throw_corrupt(name_ + ": damaged or not a Reprise data set: " + std::string(what));
}

void File::unwritable(std::string_view what) const {
  // HDF5 does not say why; a full disk is by far the likeliest reason.
  std::error_code ignored;
  const auto folder = fs::absolute(name_, ignored).parent_path();
  const bool full = fs::space(folder, ignored).available < (1U << 20U);
  throw Error(full ? ErrorCode::Exhausted : ErrorCode::Unavailable,
              name_ + ": cannot write " + std::string(what) + (full ? ": no space left" : ""));
}

File File::create(const fs::path& path, const std::string& name) {
  silence();
  const Handle list = access_list(true);
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, list.get()), H5Fclose);
  if (file.get() < 0) throw Error(ErrorCode::Unavailable, name + ": cannot create");
  return {std::move(file), name, 0};
}

File File::open(const fs::path& path) {
  silence();
  if (!fs::is_regular_file(path)) throw_invalid(path.string() + ": no such data set file");
  const Handle list = access_list(false);
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, list.get()), H5Fclose);
  if (file.get() < 0) throw_corrupt(path.string() + ": not a whole HDF5 file");
  return {std::move(file), path.string(), fs::file_size(path)};
}

void File::create_growing_array(const char* name, hid_t type, const Shape& chunk) {
  Shape shape = chunk;
  Shape largest = chunk;
  shape[0] = 0;
  largest[0] = H5S_UNLIMITED;
  create_array(name, type, shape, largest, chunk);
}

void File::grow(const char* name, hsize_t count) {
  const Handle data(H5Dopen2(file_.get(), name, H5P_DEFAULT), H5Dclose);
  const Handle space(H5Dget_space(data.get()), H5Sclose);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  Shape shape(static_cast<std::size_t>(std::max(rank, 1)));
  if (rank < 1 || H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr) < 0) {
    unwritable(name);
  }
  shape[0] = count;
  if (H5Dset_extent(data.get(), shape.data()) < 0) unwritable(name);
}

void File::create_array(const char* name, hid_t type, const Shape& shape, const Shape& largest,
                        const Shape& chunk) {
  const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), largest.data()),
                     H5Sclose);
  const Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  // The order is the filter pipeline's: the checksum covers the bytes as they lie on disk.
  if (H5Pset_chunk(list.get(), static_cast<int>(chunk.size()), chunk.data()) < 0 ||
      H5Pset_shuffle(list.get()) < 0 || H5Pset_deflate(list.get(), 1) < 0 ||
      H5Pset_fletcher32(list.get()) < 0 || H5Pset_obj_track_times(list.get(), 0) < 0) {
    unwritable(name);
  }
  const Handle data(
      H5Dcreate2(file_.get(), name, type, space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT),
      H5Dclose);
  if (data.get() < 0) unwritable(name);
}

void File::write(const char* name, hid_t type, const Shape& start, const Shape& count,
                 const void* data) {
  const Handle target(H5Dopen2(file_.get(), name, H5P_DEFAULT), H5Dclose);
  const Handle space(H5Dget_space(target.get()), H5Sclose);
  const Handle memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                      H5Sclose);
  if (H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                          nullptr) < 0 ||
      H5Dwrite(target.get(), type, memory.get(), space.get(), H5P_DEFAULT, data) < 0) {
    unwritable(name);
  }
}

void File::write_all(const char* name, hid_t type, const Shape& shape, const void* data) {
  create_array(name, type, shape, shape, shape);
  write(name, type, Shape(shape.size(), 0), shape, data);
}

void File::write_strings(const char* name, const std::vector<std::string>& values) {
  std::size_t width = 1;
  for (const std::string& value : values) width = std::max(width, value.size());
  std::string block(width * values.size(), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) values[i].copy(&block[i * width], width);
  write_all(name, string_type(width).get(), {values.size()}, block.data());
}

void File::write_attribute(const char* name, const std::string& text) {
  const Handle type = string_type(text.size());
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute(
      H5Acreate2(file_.get(), name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  const std::string padded = text.empty() ? std::string(1, '\0') : text;
  if (attribute.get() < 0 || H5Awrite(attribute.get(), type.get(), padded.data()) < 0) {
    unwritable(name);
  }
}

void File::check_link(const char* name) const {
  H5L_info_t link;
  if (H5Lget_info(file_.get(), name, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD) {
    corrupt(std::string("array /") + name + " is missing or a link");
  }
}

bool File::has(const char* name) const { return H5Lexists(file_.get(), name, H5P_DEFAULT) > 0; }

const Handle& File::array(const char* name) const {
  const auto found = open_.find(name);
  if (found != open_.end()) return found->second;
  check_link(name);
  Handle data(H5Dopen2(file_.get(), name, H5P_DEFAULT), H5Dclose);
  if (data.get() < 0) corrupt(std::string("cannot open /") + name);
  return open_.emplace(name, std::move(data)).first->second;
}

Shape File::shape(const char* name) const {
  const Handle& data = array(name);
  const Handle list(H5Dget_create_plist(data.get()), H5Pclose);
  // External and virtual storage could read any other file of this machine.
  if (H5Pget_layout(list.get()) != H5D_CHUNKED || H5Pget_external_count(list.get()) != 0) {
    corrupt(std::string("/") + name + " is not chunked");
  }
  const int filters = H5Pget_nfilters(list.get());
  int deflates = 0;
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter = H5Pget_filter2(list.get(), static_cast<unsigned>(i), &flags,
                                               &values, nullptr, 0, nullptr, nullptr);
    if (filter == H5Z_FILTER_DEFLATE) ++deflates;
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
        filter != H5Z_FILTER_FLETCHER32) {
      corrupt(std::string("/") + name + " uses a foreign filter");
    }
  }
  if (deflates > 1) corrupt(std::string("/") + name + " is compressed twice");
  const Handle space(H5Dget_space(data.get()), H5Sclose);
  const Handle type(H5Dget_type(data.get()), H5Tclose);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 1 || rank > 4) corrupt(std::string("/") + name + " has a wrong rank");
  Shape shape(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  const std::uint64_t limit = bytes_ * kRatioMax;
  std::uint64_t size = std::max<std::uint64_t>(H5Tget_size(type.get()), 1);
  for (const hsize_t side : shape) {
    if (side == 0 || side > limit / size) {
      corrupt(std::string("/") + name + " claims more than the file can hold");
    }
    size *= side;
  }
  return shape;
}

bool File::has_type(const char* name, hid_t type) const {
  const Handle& data = array(name);
  const Handle stored(H5Dget_type(data.get()), H5Tclose);
  return H5Tequal(stored.get(), type) > 0;
}

void File::read(const char* name, hid_t type, const Shape& start, const Shape& count,
                void* out) const {
  const Handle& data = array(name);
  const Handle space(H5Dget_space(data.get()), H5Sclose);
  const Handle memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
                      H5Sclose);
  if (H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                          nullptr) < 0 ||
      H5Dread(data.get(), type, memory.get(), space.get(), H5P_DEFAULT, out) < 0) {
    corrupt(std::string("cannot read /") + name);
  }
}

void File::read_all(const char* name, hid_t type, const Shape& shape, void* data) const {
  read(name, type, Shape(shape.size(), 0), shape, data);
}

std::vector<std::string> File::read_strings(const char* name) const {
  const Shape extent = shape(name);
  if (extent.size() != 1) corrupt(std::string("/") + name + " is not a list");
  const Handle& data = array(name);
  const Handle type(H5Dget_type(data.get()), H5Tclose);
  const std::size_t width = H5Tget_size(type.get());
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || width == 0 ||
      width > kTextMax) {
    corrupt(std::string("/") + name + " does not hold text");
  }
  std::string block(width * extent[0], '\0');
  read_all(name, string_type(width).get(), extent, block.data());
  std::vector<std::string> values;
  for (std::size_t i = 0; i < extent[0]; ++i) {
    const std::string value = block.substr(i * width, width);
    values.push_back(value.substr(0, value.find('\0')));
  }
  return values;
}

std::string File::read_attribute(const char* name) const {
  const Handle attribute(H5Aopen(file_.get(), name, H5P_DEFAULT), H5Aclose);
  if (attribute.get() < 0) corrupt(std::string("attribute ") + name + " is missing");
  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const std::size_t size = H5Tget_size(type.get());
  const Handle space(H5Aget_space(attribute.get()), H5Sclose);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || size == 0 ||
      size > kTextMax || H5Sget_simple_extent_npoints(space.get()) != 1) {
    corrupt(std::string("attribute ") + name + " is not text");
  }
  std::string text(size, '\0');
  if (H5Aread(attribute.get(), string_type(size).get(), text.data()) < 0) {
    corrupt(std::string("cannot read attribute ") + name);
  }
  return text.substr(0, text.find('\0'));
}

void File::close() {
  open_.clear();
  if (H5Fflush(file_.get(), H5F_SCOPE_GLOBAL) < 0 || !file_.reset()) unwritable("its last bytes");
}

}  // namespace reprise::datasets::h5
