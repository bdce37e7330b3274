#include "worker/shared_window.h"

#include <sys/statvfs.h>

#include <exception>
#include <string>

#include "sweep/error.h"
#include "worker/mpi_check.h"

namespace reprise::worker {
namespace {

/// The ranks that share memory with this one.
class NodeComm {
 public:
  NodeComm() {
    check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &comm_),
              "splitting the gang by nodes");
    check_mpi(MPI_Comm_rank(comm_, &rank_), "rank");
    check_mpi(MPI_Comm_size(comm_, &size_), "size");
  }
  ~NodeComm() {
    if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
  }
  NodeComm(const NodeComm&) = delete;
  NodeComm& operator=(const NodeComm&) = delete;
  NodeComm(NodeComm&&) = delete;
  NodeComm& operator=(NodeComm&&) = delete;

  /// Leaves it to the end of the process.
  void release() { comm_ = MPI_COMM_NULL; }
  [[nodiscard]] MPI_Comm get() const { return comm_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] bool broadcast(bool value) const {
    int number = value ? 1 : 0;
    check_mpi(MPI_Bcast(&number, 1, MPI_INT, 0, comm_), "broadcast");
    return number != 0;
  }

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
};

/// Open MPI keeps windows in /dev/shm, and a write beyond its end kills the process (SIGBUS).
bool fits_in_shared_memory(std::size_t bytes) {
  struct statvfs space{};
  if (::statvfs("/dev/shm", &space) != 0) return false;
  constexpr std::size_t kReserve = std::size_t{64} << 20U;
  return static_cast<std::size_t>(space.f_bavail) * space.f_frsize > bytes + kReserve;
}

}  // namespace

struct SharedWindow::State {
  NodeComm node;
  MPI_Win window = MPI_WIN_NULL;
  std::byte* base = nullptr;
  std::size_t size = 0;
};

int ranks_on_node() { return NodeComm().size(); }

std::unique_ptr<SharedWindow> SharedWindow::make(std::size_t bytes) {
  auto state = std::make_unique<State>();
  const bool is_leader = state->node.rank() == 0;
  if (!state->node.broadcast(is_leader && fits_in_shared_memory(bytes))) return nullptr;
  void* mine = nullptr;
  check_mpi(MPI_Win_allocate_shared(static_cast<MPI_Aint>(is_leader ? bytes : 0), 1, MPI_INFO_NULL,
                                    state->node.get(), static_cast<void*>(&mine), &state->window),
            "making a shared window");
  MPI_Aint size = 0;
  int unit = 0;
  void* base = nullptr;
  check_mpi(MPI_Win_shared_query(state->window, 0, &size, &unit, static_cast<void*>(&base)),
            "finding the shared window");
  REPRISE_CHECK(static_cast<std::size_t>(size) == bytes && base != nullptr);
  check_mpi(MPI_Win_lock_all(MPI_MODE_NOCHECK, state->window), "opening the shared window");
  state->base = static_cast<std::byte*>(base);
  state->size = bytes;
  return std::unique_ptr<SharedWindow>(new SharedWindow(std::move(state)));
}

SharedWindow::SharedWindow(std::unique_ptr<State> state) : state_(std::move(state)) {}

SharedWindow::~SharedWindow() {
  // Freeing waits for the node's other ranks, which an exception here knows nothing of.
  if (state_->node.size() > 1 && std::uncaught_exceptions() > 0) {
    state_->node.release();
    return;
  }
  MPI_Win_unlock_all(state_->window);
  MPI_Win_free(&state_->window);
}

std::span<std::byte> SharedWindow::bytes() const { return {state_->base, state_->size}; }

bool SharedWindow::is_leader() const { return state_->node.rank() == 0; }

bool SharedWindow::publish(bool good) const {
  check_mpi(MPI_Win_sync(state_->window), "publishing the shared window");
  const bool all_good = state_->node.broadcast(good);
  check_mpi(MPI_Win_sync(state_->window), "reading the shared window");
  return all_good;
}

}  // namespace reprise::worker
