/// Any bytes as a data set file: it opens, loads and verifies, or throws Error.

#include <cstdlib>

#include "datasets_h5/dataset_file.h"
#include "sweep/error.h"
#include "tests/fuzz/memory_file.h"
#include "tests/support/read_split.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const reprise::fuzz::MemoryFile file(data, size);
  try {
    const auto dataset = reprise::datasets::DatasetFile::open(file.path());
    const auto slices = reprise::datasets::testing::read_split(dataset, "train");
    if (slices.labels.size() != slices.images.size() / slices.channels) std::abort();
    dataset.verify();
  } catch (const reprise::Error&) {
  }
  return 0;
}
