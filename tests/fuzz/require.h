#pragma once
/// What must hold whatever the bytes are: else libFuzzer keeps them.

#include <cstdlib>

namespace reprise::fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace reprise::fuzz
