#include "models/parallel.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "models/torch.h"

namespace reprise::models {
namespace {

/// Sets LibTorch's threads, and back.
class Threads {
 public:
  explicit Threads(int count) : before_(torch::get_num_threads()) { torch::set_num_threads(count); }
  ~Threads() { torch::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  Threads(Threads&&) = delete;
  Threads& operator=(Threads&&) = delete;

 private:
  int before_;
};

TEST(ParallelTest, EveryPartIsDoneOnce) {
  for (const int threads : {1, 2, 3}) {
    const Threads scope(threads);
    for (const std::int64_t count : {0, 1, 2, 7, 64, 1000}) {
      std::vector<int> done(static_cast<std::size_t>(count));
      parallel_parts(count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) ++done.at(static_cast<std::size_t>(i));
      });
      EXPECT_EQ(done, std::vector<int>(static_cast<std::size_t>(count), 1));
    }
  }
}

TEST(ParallelTest, TwoThreadsTakeAHalfEach) {
  const Threads scope(2);
  std::mutex mutex;
  std::set<std::thread::id> who;
  std::vector<std::int64_t> sizes;
  parallel_parts(10, 1, [&](std::int64_t begin, std::int64_t end) {
    const std::lock_guard lock(mutex);
    who.insert(std::this_thread::get_id());
    sizes.push_back(end - begin);
  });
  EXPECT_EQ(who.size(), 2U);
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{5, 5}));
}

TEST(ParallelTest, WhatIsNotWorthAThreadIsTheCallers) {
  const Threads scope(2);
  int calls = 0;
  parallel_parts(4, 4, [&](std::int64_t, std::int64_t) { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(ParallelTest, ErrorsArriveAtTheCaller) {
  const Threads scope(2);
  EXPECT_THROW(parallel_parts(10, 1,
                              [](std::int64_t, std::int64_t end) {
                                if (end == 10) throw std::runtime_error("the second half");
                              }),
               std::runtime_error);
}

}  // namespace
}  // namespace reprise::models
