/// Any bytes as a file of weights: a table of contents that fits the file, a pickle whose tensors
/// lie in their storages, or Error.

#include <string_view>

#include "models/pickle.h"
#include "sweep/error.h"
#include "sweep/safetensors_index.h"
#include "tests/fuzz/require.h"

namespace {

using namespace reprise;
using fuzz::require;

template <typename Read>
void try_to(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    require(error.code() == ErrorCode::Corrupt);
  }
}

void check_index(std::string_view bytes) {
  const auto index = sweep::parse_safetensors_index(bytes, bytes.size(), "weights");
  std::uint64_t held = 0;
  for (const auto& [name, entry] : index.tensors) {
    require(entry.begin <= entry.end && index.data_start + entry.end <= bytes.size());
    std::uint64_t wanted = sweep::dtype_bytes(entry.dtype);
    for (const auto side : entry.shape) wanted *= static_cast<std::uint64_t>(side);
    require(wanted == entry.end - entry.begin);
    held += entry.end - entry.begin;
  }
  require(index.data_start + held == bytes.size());
}

void check_pickle(std::string_view bytes) {
  const auto state = models::read_pickled_tensors(bytes, "weights");
  require(state.length <= bytes.size());
  for (const auto& [name, tensor] : state.tensors) {
    require(tensor.shape.size() == tensor.stride.size());
    require(tensor.offset >= 0 && tensor.offset <= tensor.storage_length);
    std::int64_t last = tensor.offset;
    bool empty = false;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      require(tensor.shape[i] >= 0 && tensor.stride[i] >= 0);
      empty = empty || tensor.shape[i] == 0;
      std::int64_t reach = 0;
      require(!__builtin_mul_overflow(tensor.shape[i] - 1, tensor.stride[i], &reach) || empty);
      require(empty || !__builtin_add_overflow(last, reach, &last));
    }
    require(empty || last < tensor.storage_length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try_to([&] { check_index(bytes); });
  try_to([&] { check_pickle(bytes); });
  try_to([&] { require(models::read_pickled_texts(bytes, "weights").length <= bytes.size()); });
  try_to([&] { require(models::skip_pickle(bytes, "weights") <= bytes.size()); });
  return 0;
}
