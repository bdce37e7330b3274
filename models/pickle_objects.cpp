#include "models/pickle_objects.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "sweep/error.h"

namespace reprise::models::pickled {
namespace {

constexpr std::size_t kRankMax = 16;

struct StorageType {
  std::string_view name, dtype;
};
constexpr std::array kStorageTypes = {
    StorageType{"torch.DoubleStorage", "F64"}, StorageType{"torch.FloatStorage", "F32"},
    StorageType{"torch.HalfStorage", "F16"},   StorageType{"torch.BFloat16Storage", "BF16"},
    StorageType{"torch.LongStorage", "I64"},   StorageType{"torch.IntStorage", "I32"},
    StorageType{"torch.ShortStorage", "I16"},  StorageType{"torch.CharStorage", "I8"},
    StorageType{"torch.ByteStorage", "U8"},    StorageType{"torch.BoolStorage", "BOOL"}};

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 80)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

std::vector<std::int64_t> naturals(const Value* value, const char* what) {
  if (value->kind != Kind::Tuple || value->items.size() > kRankMax) {
    throw_corrupt(std::string("a tensor's ") + what + " is no short list of numbers");
  }
  std::vector<std::int64_t> numbers;
  numbers.reserve(value->items.size());
  for (const Value* item : value->items) {
    if (item->kind != Kind::Integer || item->integer < 0) {
      throw_corrupt(std::string("a tensor's ") + what + " has something other than a size");
    }
    numbers.push_back(item->integer);
  }
  return numbers;
}

void check_view(const PickledTensor& tensor) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  if (tensor.shape.size() != tensor.stride.size())
    throw_corrupt("a tensor's stride does not fit its shape");
  std::int64_t count = 1, last = tensor.offset;
  bool is_empty = false;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const std::int64_t size = tensor.shape[i], stride = tensor.stride[i];
    if (size == 0) is_empty = true;
    const std::int64_t steps = std::max<std::int64_t>(size, 1) - 1;
    if (count > kMax / (steps + 1) || (stride != 0 && steps > (kMax - last) / stride)) {
      throw_corrupt("a tensor is larger than its storage");
    }
    count *= steps + 1;
    last += steps * stride;
  }
  if (!is_empty && (last >= tensor.storage_length || count > tensor.storage_length)) {
    throw_corrupt("a tensor is larger than its storage");
  }
}

}  // namespace

std::string described(const Value& value) {
  switch (value.kind) {
    case Kind::None:
      return "None";
    case Kind::Bool:
    case Kind::Integer:
    case Kind::Number:
      return "a number";
    case Kind::Text:
      return "a text";
    case Kind::Tuple:
      return "a tuple";
    case Kind::List:
      return "a list";
    case Kind::Dict:
      return "a dictionary";
    case Kind::Global:
      return value.text;
    case Kind::Storage:
      return "a bare storage";
    case Kind::Tensor:
      return "a tensor";
    case Kind::Mark:
      return "a mark";
  }
  return "?";
}

void check_global(const std::string& name) {
  const bool is_known =
      name == "collections.OrderedDict" || name == "torch._utils._rebuild_tensor_v2" ||
      name == "torch._utils._rebuild_tensor" || name == "torch._utils._rebuild_parameter" ||
      std::any_of(kStorageTypes.begin(), kStorageTypes.end(),
                  [&](const StorageType& type) { return type.name == name; });
  if (!is_known) throw_corrupt("holds " + printable(name) + ": only tensors are read");
}

Value storage_of(const Value& id) {
  const auto& items = id.items;
  const bool is_storage = id.kind == Kind::Tuple && items.size() >= 5 &&
                          items[0]->kind == Kind::Text && items[0]->text == "storage" &&
                          items[1]->kind == Kind::Global && items[2]->kind == Kind::Text &&
                          items[4]->kind == Kind::Integer && items[4]->integer >= 0;
  if (!is_storage) throw_corrupt("holds a persistent object that is no storage");
  if (items.size() > 5 && items[5]->kind != Kind::None) throw_corrupt("holds a view of a storage");
  Value value;
  value.kind = Kind::Storage;
  for (const StorageType& type : kStorageTypes) {
    if (type.name == items[1]->text) value.tensor.dtype = type.dtype;
  }
  if (value.tensor.dtype.empty()) throw_corrupt("holds a storage of " + items[1]->text);
  value.tensor.storage = items[2]->text;
  value.tensor.storage_length = items[4]->integer;
  return value;
}

Value tensor_of(const Value& arguments) {
  const auto& items = arguments.items;
  if (items.size() < 4 || items[0]->kind != Kind::Storage || items[1]->kind != Kind::Integer ||
      items[1]->integer < 0) {
    throw_corrupt("holds a tensor that is not made of a storage");
  }
  Value value;
  value.kind = Kind::Tensor;
  value.tensor = items[0]->tensor;
  value.tensor.offset = items[1]->integer;
  value.tensor.shape = naturals(items[2], "shape");
  value.tensor.stride = naturals(items[3], "stride");
  check_view(value.tensor);
  return value;
}

}  // namespace reprise::models::pickled
