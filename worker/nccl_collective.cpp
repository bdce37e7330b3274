#include "worker/nccl_collective.h"

#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <nccl.h>

#include <cstddef>
#include <span>

#include "sweep/error.h"

namespace reprise::worker {
namespace {

void check(ncclResult_t code, const char* what) {
  if (code != ncclSuccess) {
    throw Error(ErrorCode::Unavailable,
                std::string("NCCL: ") + what + ": " + ncclGetErrorString(code));
  }
}

/// Everything runs on torch's current stream, so no synchronisation with the host is needed.
class NcclCollective final : public Collective {
 public:
  NcclCollective(const MpiSession& session, const torch::Device& device) : Collective(session) {
    const c10::cuda::CUDAGuard guard(device);
    ncclUniqueId id{};
    if (rank() == 0) check(ncclGetUniqueId(&id), "unique id");
    session.broadcast(std::as_writable_bytes(std::span(&id, 1)), 0);
    check(ncclCommInitRank(&communicator_, size(), id, rank()), "start");
  }
  ~NcclCollective() override { ncclCommDestroy(communicator_); }
  NcclCollective(const NcclCollective&) = delete;
  NcclCollective& operator=(const NcclCollective&) = delete;
  NcclCollective(NcclCollective&&) = delete;
  NcclCollective& operator=(NcclCollective&&) = delete;

  void all_reduce_sum(torch::Tensor& values) override {
    REPRISE_CHECK(values.is_contiguous() && values.is_cuda());
    const auto type = values.scalar_type() == torch::kFloat64 ? ncclFloat64 : ncclFloat32;
    check(ncclAllReduce(values.data_ptr(), values.data_ptr(),
                        static_cast<std::size_t>(values.numel()), type, ncclSum, communicator_,
                        c10::cuda::getCurrentCUDAStream().stream()),
          "all-reduce");
  }

  void broadcast(torch::Tensor& values, int root) override {
    REPRISE_CHECK(values.is_contiguous() && values.is_cuda());
    check(ncclBroadcast(values.data_ptr(), values.data_ptr(), values.nbytes(), ncclUint8, root,
                        communicator_, c10::cuda::getCurrentCUDAStream().stream()),
          "broadcast");
  }

 private:
  ncclComm_t communicator_ = nullptr;
};

}  // namespace

std::unique_ptr<Collective> make_nccl_collective(const MpiSession& mpi,
                                                 const torch::Device& device) {
  return std::make_unique<NcclCollective>(mpi, device);
}

}  // namespace reprise::worker
