#include "worker/cost_meter.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace reprise::worker {

TEST(CostMeter, CountsTheProcessorAndTheMemoryOfTheWork) {
  const Nvml none("libthere-is-no-such-library.so");
  EXPECT_FALSE(none.is_open());
  EXPECT_FALSE(none.energy_joules("0000:00:00.0"));
  const CostMeter meter(none, 1, "");
  std::vector<char> memory(64 << 20);
  volatile double sum = 0;
  double cpu = 0;
  // Until a tenth of a second of processor time is used, however slow the machine.
  while (cpu < 0.1) {
    // Volatile: a compiler may leave out memory that nobody reads.
    volatile char* bytes = memory.data();
    for (std::size_t i = 0; i < memory.size(); i += 4096) bytes[i] = 1;
    for (int i = 0; i < 1'000'000; ++i) sum = sum + i;
    cpu = meter.read().at("cpu_seconds").as_double();
  }
  const auto cost = meter.read();
  EXPECT_GE(cost.at("cpu_seconds").as_double(), 0.1);
  EXPECT_GE(cost.at("wall_seconds").as_double(), 0.05);
  EXPECT_GT(cost.at("utilisation").as_double(), 0.0);
  EXPECT_LE(cost.at("utilisation").as_double(), 1.0);
  EXPECT_GE(cost.at("peak_memory_bytes").as_int64(), 64 << 20);
  EXPECT_FALSE(cost.contains("energy_joules"));
}

TEST(CostMeter, AGpuIsAskedThroughTheManagementLibrary) {
  // A stand-in for the driver's library (fake_nvml.cpp): 1.5 J more at every question, 75 % busy.
  const Nvml nvml(FAKE_NVML);
  ASSERT_TRUE(nvml.is_open());
  CostMeter meter(nvml, 1, "0000:1b:00.0");
  meter.sample();
  meter.sample();
  const auto cost = meter.read();
  EXPECT_DOUBLE_EQ(cost.at("energy_joules").as_double(), 1.5);
  EXPECT_DOUBLE_EQ(cost.at("utilisation").as_double(), 0.75);
  const CostMeter unknown(nvml, 1, "no such device");
  EXPECT_FALSE(unknown.read().contains("energy_joules"));
}

}  // namespace reprise::worker
