/// Any bytes as a list of subjects: rows with every required column, or Error.

#include <cstdlib>

#include "datasets_h5/csv.h"
#include "sweep/error.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const reprise::fuzz::MemoryFile file(data, size);
  try {
    for (const auto& row : reprise::datasets::read_csv(file.path(), {"subject", "split"})) {
      if (!row.values.contains("subject") || !row.values.contains("split")) std::abort();
    }
  } catch (const reprise::Error&) {
  }
  return 0;
}
