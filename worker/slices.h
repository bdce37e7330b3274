#pragma once
/// Where the slices of a split are: on the device, in memory (a node's ranks may share it), or in
/// the file.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/torch.h"
#include "worker/slice_stream.h"

namespace reprise::worker {

/// Slices are numbered 0 to count() - 1. Copies share the pixels.
struct SliceTensors {
  torch::Tensor images;                 ///< [N,C,H,W] float32 in [0,1]; undefined if streamed.
  torch::Tensor labels;                 ///< [N,H,W] uint8, beside `images`.
  std::vector<std::string> names = {};  ///< Of stored slices, for people: "OAS1_0001 slice 12".
  std::shared_ptr<const SliceStream> stream = {};  ///< Set: slices are read as they are needed.
  std::optional<std::vector<std::int64_t>> chosen = {};  ///< Set: only these stored slices count.

  [[nodiscard]] std::int64_t count() const;
  [[nodiscard]] std::int64_t channels() const;
  [[nodiscard]] std::int64_t height() const;
  [[nodiscard]] std::int64_t width() const;
  /// Streamed, or in the CPU's memory.
  [[nodiscard]] bool on_host() const { return stream || images.is_cpu(); }
  /// Index of a slice among the stored ones.
  [[nodiscard]] std::int64_t stored(std::int64_t slice) const;
  /// For people.
  [[nodiscard]] std::string name(std::int64_t slice) const;
  /// The same pixels, of which only `slices` count, in this order.
  [[nodiscard]] SliceTensors subset(const std::vector<std::int64_t>& slices) const;
  /// [1,C,H,W] and [H,W], on the device where the slices are. Errors: Corrupt (streamed).
  [[nodiscard]] torch::Tensor image(std::int64_t slice) const {
    return stored_image(stored(slice));
  }
  [[nodiscard]] torch::Tensor label(std::int64_t slice) const {
    return stored_label(stored(slice));
  }
  [[nodiscard]] torch::Tensor stored_image(std::int64_t index) const;
  [[nodiscard]] torch::Tensor stored_label(std::int64_t index) const;
};

}  // namespace reprise::worker
