#pragma once
/// A pickle's stack machine, of the instructions that state dicts use.

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "models/pickle_value.h"

namespace reprise::models::pickled {

class Machine {
 public:
  explicit Machine(std::string_view bytes) : bytes_(bytes) {}

  /// Runs up to STOP; returns the top value, which lives as long as the machine.
  /// Errors: Corrupt for a broken stream and for what is not read.
  const Value* run();
  /// Bytes read.
  [[nodiscard]] std::size_t length() const { return at_; }

 private:
  unsigned char byte();
  std::string_view take(std::uint64_t count);
  std::uint64_t little_endian(int count);
  std::string_view line();

  Value* make(Kind kind);
  void push(Value* value) { stack_.push_back(value); }
  void push(Kind kind, std::int64_t integer = 0);
  void push(Value value);
  void push_text(std::string_view text);
  void push_long(std::uint64_t count);
  void push_global(std::string name);
  void push_tuple(std::vector<Value*> items);
  void push_tuple_of(std::size_t count);
  Value* pop();
  Value* top(Kind kind);
  /// Everything above the last mark, and the mark.
  std::vector<Value*> pop_to_mark();
  void append(Value* list, const std::vector<Value*>& items);
  void set_items(const std::vector<Value*>& items);
  /// References count as values: the memory for them is bounded too.
  void grow(std::size_t count);
  void memorise(std::uint64_t index);
  void recall(std::uint64_t index);
  void reduce();
  void step(unsigned char code);

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::deque<Value> values_;  ///< Owns all values, so that nesting costs no recursion.
  std::vector<Value*> stack_;
  std::map<std::uint64_t, Value*> memo_;
  std::size_t references_ = 0;
};

}  // namespace reprise::models::pickled
