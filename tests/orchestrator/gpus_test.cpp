#include "orchestrator/gpus.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(Gpus, AreThoseThatTheDriverLists) {
  EXPECT_EQ(gpus_of(std::nullopt, ""), 0);
  EXPECT_EQ(gpus_of(std::nullopt, "No devices found\n"), 0);
  EXPECT_EQ(gpus_of(std::nullopt, "GPU 0: NVIDIA H200 (UUID: GPU-1)\nGPU 1: NVIDIA H200\n"), 2);
}

TEST(Gpus, AreThoseThatTheEnvironmentShows) {
  const std::string listed = "GPU 0: a\nGPU 1: b\n";
  EXPECT_EQ(gpus_of("1", listed), 1);
  EXPECT_EQ(gpus_of("0,3", listed), 2);
  EXPECT_EQ(gpus_of("", listed), 0);
  EXPECT_EQ(gpus_of("-1", listed), 0);
  EXPECT_EQ(gpus_of("0,-1,1", listed), 1);
  EXPECT_EQ(gpus_of("GPU-8932f937", listed), 1);
}

}  // namespace
}  // namespace reprise
