#include "orchestrator/doctor.h"

#include <gtest/gtest.h>

#include "orchestrator/doctor_network.h"

namespace reprise {
namespace {

TEST(DoctorTest, Gpus) {
  EXPECT_EQ(gpus_from(127, "").health, Health::Missing);
  EXPECT_EQ(gpus_from(0, "").health, Health::Missing);
  const Finding bad = gpus_from(9, "NVIDIA-SMI has failed\nmore");
  EXPECT_EQ(bad.health, Health::Bad);
  EXPECT_EQ(bad.text, "nvidia-smi: NVIDIA-SMI has failed");
  EXPECT_FALSE(bad.fix.empty());
  EXPECT_EQ(gpus_from(0, "H100, 81559 MiB, 550\nH100, 81559 MiB, 550\n").text,
            "2: H100, 81559 MiB, 550; H100, 81559 MiB, 550");
}

TEST(DoctorTest, LibrariesOfTheWorker) {
  const std::string ldd =
      "\tlinux-vdso.so.1 (0x1)\n\tlibnccl.so.2 => /v/nccl/libnccl.so.2 (0x7f)\n"
      "\tlibtorch_cpu.so => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x7f)\n";
  const auto findings = libraries_from(0, ldd);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].health, Health::Bad);
  EXPECT_EQ(findings[0].text, "libtorch_cpu.so => not found");
  EXPECT_EQ(findings[1].text, "/v/nccl/libnccl.so.2");
  EXPECT_TRUE(libraries_from(1, "not a dynamic executable").empty());
  EXPECT_EQ(libraries_from(0, "").at(0).health, Health::Missing);
}

TEST(DoctorTest, Slurm) {
  EXPECT_EQ(slurm_from(127, "", 127, "").health, Health::Missing);
  EXPECT_EQ(slurm_from(0, "pmix", 1, "slurm_load_partitions: Unable to contact").health,
            Health::Warning);
  EXPECT_NE(
      slurm_from(0, "MPI plugin types are...\nnone\npmi2", 0, "main* up 2").fix.find("plugins"),
      std::string::npos);
  EXPECT_EQ(slurm_from(0, "none\npmix", 0, "main* down 2").health, Health::Warning);
  const Finding good = slurm_from(0, "none\npmix", 0, "main* up 2\nhigh up 1\n");
  EXPECT_EQ(good.health, Health::Ok);
  EXPECT_EQ(good.text, "partitions: main* up 2 node(s); high up 1 node(s); PMIx");
}

TEST(DoctorTest, Disk) {
  constexpr std::uintmax_t kGiB = 1U << 30U;
  EXPECT_EQ(disk_from(100 * kGiB, 1000000, true).health, Health::Ok);
  EXPECT_EQ(disk_from(5 * kGiB, 1000000, true).health, Health::Warning);
  EXPECT_EQ(disk_from(kGiB / 2, 1000000, true).health, Health::Bad);
  EXPECT_EQ(disk_from(100 * kGiB, 5, true).health, Health::Bad);
  EXPECT_EQ(disk_from(100 * kGiB, 0, false).health, Health::Ok);
}

TEST(DoctorTest, NameOfThisMachine) {
  EXPECT_EQ(name_from("node1", {"10.0.0.7"}, "", true).health, Health::Ok);
  EXPECT_EQ(name_from("node1", {"127.0.1.1", "10.0.0.7"}, "", true).text,
            "node1: 127.0.1.1 10.0.0.7");
  const Finding loopback = name_from("node1", {"127.0.1.1", "::1"}, "", true);
  EXPECT_EQ(loopback.health, Health::Warning);
  EXPECT_NE(loopback.fix.find("--bind ADDRESS"), std::string::npos);
  EXPECT_EQ(name_from("node1", {"127.0.1.1"}, "", false).health, Health::Ok);
  const Finding unknown = name_from("node1", {}, "Host not found", true);
  EXPECT_EQ(unknown.health, Health::Bad);
  EXPECT_EQ(unknown.text, "node1: this machine's own name has no address (Host not found)");
  EXPECT_EQ(name_from("node1", {}, "Host not found", false).health, Health::Warning);
}

}  // namespace
}  // namespace reprise
