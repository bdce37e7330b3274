#include "worker/data_limits.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "sweep/error.h"

namespace reprise::worker {
namespace {

namespace fs = std::filesystem;

TEST(DataLimits, TheEnvironmentLowersThem) {
  ASSERT_EQ(::setenv("REPRISE_DATA_MEMORY_MIB", "3", 1), 0);
  EXPECT_EQ(default_limits(false).host, std::size_t{3} << 20U);
  for (const char* bad : {"3 GB", "-1", "", "99999999999999999999"}) {
    ASSERT_EQ(::setenv("REPRISE_DATA_MEMORY_MIB", bad, 1), 0);
    EXPECT_THROW(default_limits(false), Error) << bad;
  }
  ::unsetenv("REPRISE_DATA_MEMORY_MIB");
  EXPECT_GT(default_limits(false).host, 0U);
  EXPECT_EQ(default_limits(false).device, 0U);
}

TEST(DataLimits, GangsOfANodeShareItsMemory) {
  const DataLimits free{.device = 7, .host = 100, .host_all = 100};
  EXPECT_EQ(among_gangs(free, 1).host, 100U);
  EXPECT_EQ(among_gangs(free, 4).host, 25U);
  EXPECT_EQ(among_gangs(free, 4).device, 7U);
  // Asked for by REPRISE_DATA_MEMORY_MIB: a lower limit for each, which is not divided again.
  EXPECT_EQ(among_gangs({.device = 0, .host = 30, .host_all = 100}, 3).host, 30U);
  EXPECT_EQ(among_gangs({.device = 0, .host = 30, .host_all = 100}, 5).host, 20U);
}

TEST(DataLimits, GangsAreCountedByTheirRanks) {
  const fs::path proc = fs::temp_directory_path() / ("reprise-proc-" + std::to_string(getpid()));
  EXPECT_EQ(gangs_on_node(proc), 1U);  // Nothing can be seen: this one.
  const auto process = [&](const char* id, std::string command) {
    std::replace(command.begin(), command.end(), ' ', '\0');
    fs::create_directories(proc / id);
    std::ofstream(proc / id / "cmdline") << command << '\0';
  };
  fs::create_directories(proc / "self");
  process("1", "/sbin/init");
  process("2", "");
  process("10", "mpirun -np 2 /opt/bin/reprise-worker --workspace w --gang a");
  process("11", "/opt/bin/reprise-worker --workspace w --gang a --device cpu");
  process("12", "/opt/bin/reprise-worker --workspace w --gang a --device cpu");
  process("13", "/home/x/reprise-worker --workspace w --gang b");
  process("14", "/home/x/reprise-worker --help");
  process("15", "/home/x/reprise-worker --gang");
  EXPECT_EQ(gangs_on_node(proc), 2U);
  fs::remove_all(proc);
}

TEST(DataLimits, TheTightestControlGroupCounts) {
  const fs::path root = fs::temp_directory_path() / ("reprise-cgroup-" + std::to_string(getpid()));
  fs::create_directories(root / "job/step");
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(root / name) << text << '\n';
  };
  EXPECT_EQ(cgroup_free_bytes(root, "/job/step"), SIZE_MAX);
  write("job/step/memory.max", "max");
  write("job/step/memory.current", "10");
  write("job/memory.max", "1000");
  write("job/memory.current", "400");
  EXPECT_EQ(cgroup_free_bytes(root, "/job/step"), 600U);
  write("job/memory.current", "1400");
  EXPECT_EQ(cgroup_free_bytes(root, "/job/step"), 0U);
  EXPECT_EQ(cgroup_free_bytes(root, "/"), SIZE_MAX);
  fs::remove_all(root);
}

}  // namespace
}  // namespace reprise::worker
