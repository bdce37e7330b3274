/// Any bytes as a volume: read_volume returns finite voxels of the header's shape, or throws Error.

#include <cmath>
#include <cstdlib>

#include "datasets_h5/volume.h"
#include "sweep/error.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const reprise::fuzz::MemoryFile file(data, size);
  try {
    const reprise::datasets::Volume volume = reprise::datasets::read_volume(file.path());
    if (volume.values.size() != volume.voxels()) std::abort();
    for (const float value : volume.values) {
      if (!std::isfinite(value)) std::abort();
    }
  } catch (const reprise::Error&) {
  }
  try {
    const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
    (void)reprise::datasets::parse_header(bytes, "fuzz.hdr");
  } catch (const reprise::Error&) {
  }
  return 0;
}
