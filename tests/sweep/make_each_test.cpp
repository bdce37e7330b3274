#include "sweep/make_each.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>

namespace reprise::sweep {
namespace {

TEST(MakeEachTest, KeepsTheOrder) {
  for (const std::size_t count : {0U, 1U, 499U, 1000U, 5001U}) {
    const auto items = make_each(count, [](std::size_t i) { return std::to_string(i); });
    ASSERT_EQ(items.size(), count);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(items[i], std::to_string(i));
  }
}

TEST(MakeEachTest, FewAreMadeByTheCaller) {
  const auto caller = std::this_thread::get_id();
  const auto is_caller = [&](std::size_t) { return std::this_thread::get_id() == caller; };
  for (const bool own : make_each(400, is_caller)) ASSERT_TRUE(own);
}

TEST(MakeEachTest, ThrowsTheFirstErrorInOrder) {
  const auto fail = [](std::size_t i) -> int {
    if (i == 700 || i == 4900) throw std::runtime_error(std::to_string(i));
    return 0;
  };
  for (int round = 0; round < 20; ++round) {
    try {
      (void)make_each(5000, fail);
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "700");
    }
  }
}

}  // namespace
}  // namespace reprise::sweep
