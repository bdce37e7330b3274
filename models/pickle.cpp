#include "models/pickle.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <limits>
#include <map>

#include "sweep/error.h"
#include "sweep/safetensors_index.h"

namespace reprise::models {
namespace {

constexpr std::size_t kValuesMax = 4'000'000;
constexpr std::size_t kRankMax = 16;
constexpr int kNestingMax = 4;

struct StorageType {
  std::string_view name, dtype;
};
constexpr std::array kStorageTypes = {
    StorageType{"torch.DoubleStorage", "F64"}, StorageType{"torch.FloatStorage", "F32"},
    StorageType{"torch.HalfStorage", "F16"},   StorageType{"torch.BFloat16Storage", "BF16"},
    StorageType{"torch.LongStorage", "I64"},   StorageType{"torch.IntStorage", "I32"},
    StorageType{"torch.ShortStorage", "I16"},  StorageType{"torch.CharStorage", "I8"},
    StorageType{"torch.ByteStorage", "U8"},    StorageType{"torch.BoolStorage", "BOOL"}};

enum class Kind : std::uint8_t {
  None,
  Bool,
  Integer,
  Number,
  Text,
  Tuple,
  List,
  Dict,
  Global,
  Storage,
  Tensor,
  Mark
};

/// A value on the machine's stack. Dictionaries keep keys and values in turn in `items`.
struct Value {
  Kind kind = Kind::None;
  std::int64_t integer = 0;
  std::string text = {};
  std::vector<Value*> items = {};
  PickledTensor tensor = {};
};

class Machine {
 public:
  Machine(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  /// Runs up to STOP; returns the top value.
  Value* run() {
    while (true) {
      const unsigned char code = byte();
      if (code == '.') break;
      step(code);
    }
    return pop();
  }
  [[nodiscard]] std::size_t length() const { return at_; }

  [[noreturn]] void fail(const std::string& what) const { throw_corrupt(where_ + ": " + what); }

  /// What a value is, for messages.
  static std::string described(const Value& value) {
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

 private:
  unsigned char byte() {
    if (at_ >= bytes_.size()) fail("the pickle is cut off");
    return static_cast<unsigned char>(bytes_[at_++]);
  }
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("the pickle is cut off");
    const std::string_view part = bytes_.substr(at_, count);
    at_ += count;
    return part;
  }
  std::uint64_t little_endian(int count) {
    std::uint64_t value = 0;
    for (int i = 0; i < count; ++i) value |= std::uint64_t{byte()} << (8 * i);
    return value;
  }
  std::string_view line() {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("the pickle is cut off");
    const std::string_view part = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return part;
  }

  Value* make(Kind kind) {
    if (values_.size() == kValuesMax) fail("the pickle has too many values");
    Value& value = values_.emplace_back();
    value.kind = kind;
    return &value;
  }
  void push(Value* value) { stack_.push_back(value); }
  void push(Kind kind, std::int64_t integer = 0) {
    Value* value = make(kind);
    value->integer = integer;
    push(value);
  }
  void push_text(std::string_view text) {
    Value* value = make(Kind::Text);
    value->text = text;
    push(value);
  }
  Value* pop() {
    if (stack_.empty() || stack_.back()->kind == Kind::Mark)
      fail("the pickle takes what is not there");
    Value* value = stack_.back();
    stack_.pop_back();
    return value;
  }
  Value* top(Kind kind) {
    if (stack_.empty() || stack_.back()->kind != kind) fail("the pickle takes what is not there");
    return stack_.back();
  }
  /// Everything above the last mark, and the mark.
  std::vector<Value*> pop_to_mark() {
    const auto mark = std::find_if(stack_.rbegin(), stack_.rend(),
                                   [](const Value* value) { return value->kind == Kind::Mark; });
    if (mark == stack_.rend()) fail("the pickle takes what is not there");
    const auto first = mark.base();
    std::vector<Value*> items(first, stack_.end());
    stack_.erase(first - 1, stack_.end());
    return items;
  }
  void push_tuple(std::vector<Value*> items) {
    Value* value = make(Kind::Tuple);
    value->items = std::move(items);
    push(value);
  }
  void push_tuple_of(std::size_t count) {
    std::vector<Value*> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    push_tuple(std::move(items));
  }
  void append(Value* list, const std::vector<Value*>& items) {
    grow(items.size());
    list->items.insert(list->items.end(), items.begin(), items.end());
  }
  void set_items(const std::vector<Value*>& items) {
    Value* dict = top(Kind::Dict);
    if (items.size() % 2 != 0) fail("the pickle sets a key without a value");
    append(dict, items);
  }
  /// References count as values: the memory for them is bounded too.
  void grow(std::size_t count) {
    references_ += count;
    if (references_ > kValuesMax) fail("the pickle has too many values");
  }
  void memorise(std::uint64_t index) {
    if (stack_.empty()) fail("the pickle takes what is not there");
    grow(1);
    memo_[index] = stack_.back();
  }
  void recall(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail("the pickle recalls what it never stored");
    grow(1);
    push(found->second);
  }
  void push_long(std::uint64_t count) {
    const std::string_view digits = take(count);
    if (count > 8) return push_text(digits);  // Only old files' magic number is that long.
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < digits.size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(digits[i])} << (8 * i);
    }
    if (count > 0 && count < 8 && (static_cast<unsigned char>(digits.back()) & 0x80U) != 0) {
      value |= ~std::uint64_t{0} << (8 * count);
    }
    push(Kind::Integer, static_cast<std::int64_t>(value));
  }

  void push_global(std::string name) {
    const bool is_known =
        name == "collections.OrderedDict" || name == "torch._utils._rebuild_tensor_v2" ||
        name == "torch._utils._rebuild_tensor" || name == "torch._utils._rebuild_parameter" ||
        std::any_of(kStorageTypes.begin(), kStorageTypes.end(),
                    [&](const StorageType& type) { return type.name == name; });
    if (!is_known) fail("holds " + printable(name) + ": only tensors are read");
    Value* value = make(Kind::Global);
    value->text = std::move(name);
    push(value);
  }
  static std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 80)) out += c >= ' ' && c <= '~' ? c : '?';
    return out;
  }

  /// ("storage", type, key, device, elements[, view]).
  void push_storage() {
    const Value* id = pop();
    const auto& items = id->items;
    const bool is_storage = id->kind == Kind::Tuple && items.size() >= 5 &&
                            items[0]->kind == Kind::Text && items[0]->text == "storage" &&
                            items[1]->kind == Kind::Global && items[2]->kind == Kind::Text &&
                            items[4]->kind == Kind::Integer && items[4]->integer >= 0;
    if (!is_storage) fail("holds a persistent object that is no storage");
    if (items.size() > 5 && items[5]->kind != Kind::None) fail("holds a view of a storage");
    Value* value = make(Kind::Storage);
    for (const StorageType& type : kStorageTypes) {
      if (type.name == items[1]->text) value->tensor.dtype = type.dtype;
    }
    if (value->tensor.dtype.empty()) fail("holds a storage of " + items[1]->text);
    value->tensor.storage = items[2]->text;
    value->tensor.storage_length = items[4]->integer;
    push(value);
  }

  std::vector<std::int64_t> naturals(const Value* value, const char* what) const {
    if (value->kind != Kind::Tuple || value->items.size() > kRankMax) {
      fail(std::string("a tensor's ") + what + " is no short list of numbers");
    }
    std::vector<std::int64_t> numbers;
    numbers.reserve(value->items.size());
    for (const Value* item : value->items) {
      if (item->kind != Kind::Integer || item->integer < 0) {
        fail(std::string("a tensor's ") + what + " has something other than a size");
      }
      numbers.push_back(item->integer);
    }
    return numbers;
  }

  /// (storage, offset, shape, stride, ...).
  Value* rebuilt_tensor(const Value* arguments) {
    const auto& items = arguments->items;
    if (items.size() < 4 || items[0]->kind != Kind::Storage || items[1]->kind != Kind::Integer ||
        items[1]->integer < 0) {
      fail("holds a tensor that is not made of a storage");
    }
    Value* value = make(Kind::Tensor);
    value->tensor = items[0]->tensor;
    value->tensor.offset = items[1]->integer;
    value->tensor.shape = naturals(items[2], "shape");
    value->tensor.stride = naturals(items[3], "stride");
    check_view(value->tensor);
    return value;
  }

  void check_view(const PickledTensor& tensor) const {
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    if (tensor.shape.size() != tensor.stride.size())
      fail("a tensor's stride does not fit its shape");
    std::int64_t count = 1, last = tensor.offset;
    bool is_empty = false;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      const std::int64_t size = tensor.shape[i], stride = tensor.stride[i];
      if (size == 0) is_empty = true;
      const std::int64_t steps = std::max<std::int64_t>(size, 1) - 1;
      if (count > kMax / (steps + 1) || (stride != 0 && steps > (kMax - last) / stride)) {
        fail("a tensor is larger than its storage");
      }
      count *= steps + 1;
      last += steps * stride;
    }
    if (!is_empty && (last >= tensor.storage_length || count > tensor.storage_length)) {
      fail("a tensor is larger than its storage");
    }
  }

  void reduce() {
    const Value* arguments = pop();
    const Value* callee = pop();
    if (callee->kind != Kind::Global || arguments->kind != Kind::Tuple) {
      fail("calls " + described(*callee));
    }
    if (callee->text == "collections.OrderedDict") {
      if (!arguments->items.empty()) fail("holds a dictionary made in an unusual way");
      push(Kind::Dict);
    } else if (callee->text == "torch._utils._rebuild_parameter") {
      if (arguments->items.empty() || arguments->items[0]->kind != Kind::Tensor) {
        fail("holds a parameter that is no tensor");
      }
      push(arguments->items[0]);
    } else if (callee->text.rfind("torch._utils._rebuild_tensor", 0) == 0) {
      push(rebuilt_tensor(arguments));
    } else {
      fail("calls " + callee->text);
    }
  }

  void step(unsigned char code) {
    switch (code) {
      case 0x80:
        (void)byte();
        break;  // PROTO
      case 0x95:
        (void)little_endian(8);
        break;  // FRAME
      case '(':
        push(Kind::Mark);
        break;
      case 'N':
        push(Kind::None);
        break;
      case 0x88:
        push(Kind::Bool, 1);
        break;
      case 0x89:
        push(Kind::Bool, 0);
        break;
      case 'J':
        push(Kind::Integer, static_cast<std::int32_t>(little_endian(4)));
        break;
      case 'K':
        push(Kind::Integer, byte());
        break;
      case 'M':
        push(Kind::Integer, static_cast<std::int64_t>(little_endian(2)));
        break;
      case 0x8a:
        push_long(byte());
        break;  // LONG1
      case 'G':
        (void)take(8);
        push(Kind::Number);
        break;
      case 'X':
        push_text(take(little_endian(4)));
        break;  // BINUNICODE
      case 0x8c:
        push_text(take(byte()));
        break;  // SHORT_BINUNICODE
      case 0x8d:
        push_text(take(little_endian(8)));
        break;
      case 'U':
        push_text(take(byte()));
        break;  // SHORT_BINSTRING
      case ')':
        push(Kind::Tuple);
        break;
      case 0x85:
        push_tuple_of(1);
        break;
      case 0x86:
        push_tuple_of(2);
        break;
      case 0x87:
        push_tuple_of(3);
        break;
      case 't':
        push_tuple(pop_to_mark());
        break;
      case ']':
        push(Kind::List);
        break;
      case 'a': {
        Value* item = pop();
        append(top(Kind::List), {item});
        break;
      }
      case 'e': {
        const auto items = pop_to_mark();
        append(top(Kind::List), items);
        break;
      }
      case '}':
        push(Kind::Dict);
        break;
      case 's': {
        Value* value = pop();
        Value* key = pop();
        set_items({key, value});
        break;
      }
      case 'u': {
        const auto items = pop_to_mark();
        set_items(items);
        break;
      }
      case 'q':
        memorise(byte());
        break;  // BINPUT
      case 'r':
        memorise(little_endian(4));
        break;
      case 0x94:
        memorise(memo_.size());
        break;  // MEMOIZE
      case 'h':
        recall(byte());
        break;  // BINGET
      case 'j':
        recall(little_endian(4));
        break;
      case 'c': {
        std::string name(line());
        name += '.';
        name += line();
        push_global(std::move(name));
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        const Value* name = pop();
        const Value* module = pop();
        push_global(module->text + "." + name->text);
        break;
      }
      case 'Q':
        push_storage();
        break;  // BINPERSID
      case 'R':
        reduce();
        break;
      case 'b': {  // BUILD: a dictionary's attributes.
        (void)pop();
        (void)top(Kind::Dict);
        break;
      }
      case '0':
        (void)pop();
        break;
      default:
        fail("the pickle has the unusual instruction " + std::to_string(code));
    }
  }

  std::string_view bytes_;
  std::string where_;
  std::size_t at_ = 0;
  std::deque<Value> values_;  ///< Owns all values, so that nesting costs no recursion.
  std::vector<Value*> stack_;
  std::map<std::uint64_t, Value*> memo_;
  std::size_t references_ = 0;
};

bool is_dict_of_dict(const Value& value) {
  return value.kind == Kind::Dict && value.items.size() == 2 && value.items[1]->kind == Kind::Dict;
}

}  // namespace

PickledState read_pickled_tensors(std::string_view bytes, const std::string& where) {
  Machine machine(bytes, where);
  const Value* top = machine.run();
  for (int depth = 0; depth < kNestingMax && is_dict_of_dict(*top); ++depth) top = top->items[1];
  if (top->kind != Kind::Dict) {
    machine.fail("holds " + Machine::described(*top) + ", not a dictionary of tensors");
  }
  PickledState state;
  state.length = machine.length();
  for (std::size_t i = 0; i < top->items.size(); i += 2) {
    const Value &key = *top->items[i], &value = *top->items[i + 1];
    if (key.kind != Kind::Text) machine.fail("has a key that is " + Machine::described(key));
    if (value.kind != Kind::Tensor) {
      machine.fail("\"" + key.text + "\" is " + Machine::described(value) + ", not a tensor");
    }
    state.tensors.push_back({.name = key.text, .tensor = value.tensor});
  }
  return state;
}

PickledState read_pickled_texts(std::string_view bytes, const std::string& where) {
  Machine machine(bytes, where);
  const Value* top = machine.run();
  PickledState state;
  state.length = machine.length();
  if (top->kind != Kind::List) machine.fail("has " + Machine::described(*top) + ", not a list");
  for (const Value* item : top->items) {
    if (item->kind != Kind::Text) machine.fail("has " + Machine::described(*item) + ", not a text");
    state.texts.push_back(item->text);
  }
  return state;
}

std::size_t skip_pickle(std::string_view bytes, const std::string& where) {
  Machine machine(bytes, where);
  (void)machine.run();
  return machine.length();
}

}  // namespace reprise::models
