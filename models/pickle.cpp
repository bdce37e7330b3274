#include "models/pickle.h"

#include "models/pickle_machine.h"
#include "sweep/error.h"

namespace reprise::models {
namespace {

using pickled::described;
using pickled::Kind;
using pickled::Machine;
using pickled::Value;

constexpr int kNestingMax = 4;

bool is_dict_of_dict(const Value& value) {
  return value.kind == Kind::Dict && value.items.size() == 2 && value.items[1]->kind == Kind::Dict;
}

/// What `read` returns; its complaints begin with the file's name.
template <typename Read>
auto named(const std::string& where, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(error.code(), where + ": " + error.what());
  }
}

std::vector<NamedTensor> tensors_of(const Value* top) {
  for (int depth = 0; depth < kNestingMax && is_dict_of_dict(*top); ++depth) top = top->items[1];
  if (top->kind != Kind::Dict) {
    throw_corrupt("holds " + described(*top) + ", not a dictionary of tensors");
  }
  std::vector<NamedTensor> tensors;
  for (std::size_t i = 0; i < top->items.size(); i += 2) {
    const Value &key = *top->items[i], &value = *top->items[i + 1];
    if (key.kind != Kind::Text) throw_corrupt("has a key that is " + described(key));
    if (value.kind != Kind::Tensor) {
      throw_corrupt("\"" + key.text + "\" is " + described(value) + ", not a tensor");
    }
    tensors.push_back({.name = key.text, .tensor = value.tensor});
  }
  return tensors;
}

std::vector<std::string> texts_of(const Value* top) {
  if (top->kind != Kind::List) throw_corrupt("has " + described(*top) + ", not a list");
  std::vector<std::string> texts;
  for (const Value* item : top->items) {
    if (item->kind != Kind::Text) throw_corrupt("has " + described(*item) + ", not a text");
    texts.push_back(item->text);
  }
  return texts;
}

}  // namespace

PickledState read_pickled_tensors(std::string_view bytes, const std::string& where) {
  return named(where, [&] {
    Machine machine(bytes);
    const Value* top = machine.run();
    return PickledState{.tensors = tensors_of(top), .texts = {}, .length = machine.length()};
  });
}

PickledState read_pickled_texts(std::string_view bytes, const std::string& where) {
  return named(where, [&] {
    Machine machine(bytes);
    const Value* top = machine.run();
    return PickledState{.tensors = {}, .texts = texts_of(top), .length = machine.length()};
  });
}

std::size_t skip_pickle(std::string_view bytes, const std::string& where) {
  return named(where, [&] {
    Machine machine(bytes);
    (void)machine.run();
    return machine.length();
  });
}

}  // namespace reprise::models
