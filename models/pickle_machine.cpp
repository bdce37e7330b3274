#include "models/pickle_machine.h"

#include <algorithm>

#include "models/pickle_objects.h"
#include "sweep/error.h"

namespace reprise::models::pickled {
namespace {

/// Ten thousand tensors; a hundred megabytes at most.
constexpr std::size_t kValuesMax = 500'000;

}  // namespace

const Value* Machine::run() {
  while (true) {
    const unsigned char code = byte();
    if (code == '.') break;
    step(code);
  }
  const Value* result = pop();
  if (!stack_.empty()) throw_corrupt("the pickle ends with values left over");
  return result;
}

unsigned char Machine::byte() {
  if (at_ >= bytes_.size()) throw_corrupt("the pickle is cut off");
  return static_cast<unsigned char>(bytes_[at_++]);
}

std::string_view Machine::take(std::uint64_t count) {
  if (count > bytes_.size() - at_) throw_corrupt("the pickle is cut off");
  const std::string_view part = bytes_.substr(at_, count);
  at_ += count;
  return part;
}

std::uint64_t Machine::little_endian(int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= std::uint64_t{byte()} << (8 * i);
  return value;
}

std::string_view Machine::line() {
  const auto end = bytes_.find('\n', at_);
  if (end == std::string_view::npos) throw_corrupt("the pickle is cut off");
  const std::string_view part = bytes_.substr(at_, end - at_);
  at_ = end + 1;
  return part;
}

Value* Machine::make(Kind kind) {
  if (values_.size() == kValuesMax) throw_corrupt("the pickle has too many values");
  Value& value = values_.emplace_back();
  value.kind = kind;
  return &value;
}

void Machine::push(Kind kind, std::int64_t integer) {
  Value* value = make(kind);
  value->integer = integer;
  push(value);
}

void Machine::push_text(std::string_view text) {
  Value* value = make(Kind::Text);
  value->text = text;
  push(value);
}

Value* Machine::pop() {
  if (stack_.empty() || stack_.back()->kind == Kind::Mark)
    throw_corrupt("the pickle takes what is not there");
  Value* value = stack_.back();
  stack_.pop_back();
  return value;
}

Value* Machine::top(Kind kind) {
  if (stack_.empty() || stack_.back()->kind != kind)
    throw_corrupt("the pickle takes what is not there");
  return stack_.back();
}

std::vector<Value*> Machine::pop_to_mark() {
  const auto mark = std::find_if(stack_.rbegin(), stack_.rend(),
                                 [](const Value* value) { return value->kind == Kind::Mark; });
  if (mark == stack_.rend()) throw_corrupt("the pickle takes what is not there");
  const auto first = mark.base();
  std::vector<Value*> items(first, stack_.end());
  stack_.erase(first - 1, stack_.end());
  return items;
}

void Machine::push_tuple(std::vector<Value*> items) {
  Value* value = make(Kind::Tuple);
  value->items = std::move(items);
  push(value);
}

void Machine::push_tuple_of(std::size_t count) {
  std::vector<Value*> items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  push_tuple(std::move(items));
}

void Machine::append(Value* list, const std::vector<Value*>& items) {
  grow(items.size());
  list->items.insert(list->items.end(), items.begin(), items.end());
}

void Machine::set_items(const std::vector<Value*>& items) {
  Value* dict = top(Kind::Dict);
  if (items.size() % 2 != 0) throw_corrupt("the pickle sets a key without a value");
  append(dict, items);
}

void Machine::grow(std::size_t count) {
  references_ += count;
  if (references_ > kValuesMax) throw_corrupt("the pickle has too many values");
}

void Machine::memorise(std::uint64_t index) {
  if (stack_.empty()) throw_corrupt("the pickle takes what is not there");
  grow(1);
  memo_[index] = stack_.back();
}

void Machine::recall(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) throw_corrupt("the pickle recalls what it never stored");
  grow(1);
  push(found->second);
}

void Machine::push_long(std::uint64_t count) {
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

void Machine::reduce() {
  const Value* arguments = pop();
  const Value* callee = pop();
  if (callee->kind != Kind::Global || arguments->kind != Kind::Tuple) {
    throw_corrupt("calls " + described(*callee));
  }
  if (callee->text == "collections.OrderedDict") {
    if (!arguments->items.empty()) throw_corrupt("holds a dictionary made in an unusual way");
    push(Kind::Dict);
  } else if (callee->text == "torch._utils._rebuild_parameter") {
    if (arguments->items.empty() || arguments->items[0]->kind != Kind::Tensor) {
      throw_corrupt("holds a parameter that is no tensor");
    }
    push(arguments->items[0]);
  } else if (callee->text.rfind("torch._utils._rebuild_tensor", 0) == 0) {
    push(tensor_of(*arguments));
  } else {
    throw_corrupt("calls " + callee->text);
  }
}

void Machine::step(unsigned char code) {
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
      push(storage_of(*pop()));
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
      throw_corrupt("the pickle has the unusual instruction " + std::to_string(code));
  }
}

void Machine::push(Value value) {
  Value* own = make(value.kind);
  *own = std::move(value);
  push(own);
}

void Machine::push_global(std::string name) {
  check_global(name);
  Value* value = make(Kind::Global);
  value->text = std::move(name);
  push(value);
}

}  // namespace reprise::models::pickled
