#include "worker/mpi.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <thread>

#include "sweep/error.h"
#include "worker/mpi_check.h"

namespace reprise::worker {
namespace {

/// MPI counts are `int`: longer buffers go in pieces.
constexpr std::size_t kPiece = std::size_t{1} << 28U;

template <typename T>
void sum_pieces(std::span<T> values, MPI_Datatype type) {
  for (std::size_t at = 0; at < values.size(); at += kPiece) {
    const auto count = static_cast<int>(std::min(kPiece, values.size() - at));
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, values.data() + at, count, type, MPI_SUM, MPI_COMM_WORLD),
              "all-reduce");
  }
}

}  // namespace

struct PendingSum::Requests {
  std::vector<MPI_Request> all;
};

PendingSum::PendingSum(std::unique_ptr<Requests> requests) : requests_(std::move(requests)) {}
PendingSum::PendingSum() : requests_(std::make_unique<Requests>()) {}
PendingSum::PendingSum(PendingSum&&) noexcept = default;

PendingSum::~PendingSum() {
  if (!requests_) return;
  // Also while an exception unwinds: MPI would write into values that are gone.
  MPI_Waitall(static_cast<int>(requests_->all.size()), requests_->all.data(), MPI_STATUSES_IGNORE);
}

void PendingSum::advance() {
  int is_done = 0;
  check_mpi(MPI_Testall(static_cast<int>(requests_->all.size()), requests_->all.data(), &is_done,
                        MPI_STATUSES_IGNORE),
            "all-reduce");
}

void PendingSum::wait() {
  check_mpi(MPI_Waitall(static_cast<int>(requests_->all.size()), requests_->all.data(),
                        MPI_STATUSES_IGNORE),
            "all-reduce");
}

/// A communicator of its own: what the ranks call in between need not come in the same order.
struct MpiSession::Background {
  Background() { check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &communicator), "start"); }
  ~Background() { MPI_Comm_free(&communicator); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  Background(Background&&) = delete;
  Background& operator=(Background&&) = delete;
  MPI_Comm communicator = MPI_COMM_NULL;
};

MpiSession::MpiSession() {
  int provided = 0;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "start");
  if (provided < MPI_THREAD_SERIALIZED) {
    throw Error(ErrorCode::Unavailable, "MPI: this library lacks MPI_THREAD_SERIALIZED");
  }
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "rank");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size_), "size");
  background_ = std::make_unique<Background>();
}

MpiSession::~MpiSession() {
  // While an exception unwinds, the other ranks wait for us: finalizing would wait for them.
  if (size_ > 1 && std::uncaught_exceptions() > 0) abort(static_cast<int>(ErrorCode::Internal));
  background_.reset();
  MPI_Finalize();
}

void MpiSession::sum(std::span<float> values) const {
  if (size_ > 1) sum_pieces(values, MPI_FLOAT);
}

void MpiSession::sum(std::span<double> values) const {
  if (size_ > 1) sum_pieces(values, MPI_DOUBLE);
}

PendingSum MpiSession::start_sum(std::span<float> values) const {
  auto requests = std::make_unique<PendingSum::Requests>();
  for (std::size_t at = 0; size_ > 1 && at < values.size(); at += kPiece) {
    const auto count = static_cast<int>(std::min(kPiece, values.size() - at));
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data() + at, count, MPI_FLOAT, MPI_SUM,
                             background_->communicator, &requests->all.emplace_back()),
              "all-reduce");
  }
  return PendingSum(std::move(requests));
}

void MpiSession::broadcast(std::span<std::byte> bytes, int root) const {
  if (size_ == 1) return;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    const auto count = static_cast<int>(std::min(kPiece, bytes.size() - at));
    check_mpi(MPI_Bcast(bytes.data() + at, count, MPI_BYTE, root, MPI_COMM_WORLD), "broadcast");
  }
}

std::string MpiSession::broadcast(std::string text, int root) const {
  std::uint64_t size = text.size();
  broadcast(std::as_writable_bytes(std::span(&size, 1)), root);
  text.resize(size);
  broadcast(std::as_writable_bytes(std::span(text.data(), text.size())), root);
  return text;
}

std::vector<std::string> MpiSession::gather(std::string_view mine) const {
  if (size_ == 1) return {std::string(mine)};
  const auto my_size = static_cast<int>(mine.size());
  std::vector<int> sizes(size_);
  check_mpi(MPI_Gather(&my_size, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, MPI_COMM_WORLD),
            "gather");
  std::vector<int> starts(size_);
  int total = 0;
  for (int rank = 0; rank < size_; ++rank) {
    starts[rank] = total;
    total += sizes[rank];
  }
  std::string all(rank_ == 0 ? total : 0, '\0');
  check_mpi(MPI_Gatherv(mine.data(), my_size, MPI_BYTE, all.data(), sizes.data(), starts.data(),
                        MPI_BYTE, 0, MPI_COMM_WORLD),
            "gather");
  std::vector<std::string> texts;
  for (int rank = 0; rank_ == 0 && rank < size_; ++rank) {
    texts.push_back(all.substr(starts[rank], sizes[rank]));
  }
  return texts;
}

void MpiSession::barrier() const { check_mpi(MPI_Barrier(MPI_COMM_WORLD), "barrier"); }

void MpiSession::quiet_barrier() const {
  if (size_ == 1) return;
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(MPI_COMM_WORLD, &request), "barrier");
  int is_done = 0;
  while (true) {
    check_mpi(MPI_Test(&request, &is_done, MPI_STATUS_IGNORE), "barrier");
    if (is_done != 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void MpiSession::abort(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::abort();
}

}  // namespace reprise::worker
