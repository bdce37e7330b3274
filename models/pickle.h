#pragma once
/// What `torch.save` writes of a state dict, read without running it: a pickle machine that knows
/// dictionaries, numbers, texts and tensors, and refuses everything else by its name.
///
/// Knows nothing of LibTorch. Memory is bounded by the pickle's length: nothing is built twice, and
/// no number in it is a size of anything.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::models {

/// A tensor as a view of a storage that lies elsewhere in the file.
struct PickledTensor {
  std::string storage;              ///< Key of the storage.
  std::string dtype;                ///< As in safetensors: "F32", "I64", "BOOL" ...
  std::int64_t storage_length = 0;  ///< Elements.
  std::int64_t offset = 0;          ///< First element.
  std::vector<std::int64_t> shape, stride;
};

struct NamedTensor {
  std::string name;
  PickledTensor tensor;
};

/// What a pickle holds: a dictionary of tensors, or a list of texts (in old files, storage keys).
struct PickledState {
  std::vector<NamedTensor> tensors;
  std::vector<std::string> texts;
  std::size_t length = 0;  ///< Bytes read, up to and with the pickle's end.
};

/// Reads a state dict. A dictionary whose only entry is a dictionary of tensors ("params",
/// "state_dict" ...) counts as that one. `where` names the file in errors.
/// Every tensor's view lies inside its storage, and no tensor is larger than its storage.
/// Errors: Corrupt, naming what is not a tensor (a function, a number, another class ...).
PickledState read_pickled_tensors(std::string_view bytes, const std::string& where);

/// Reads a list of texts. Errors: Corrupt.
PickledState read_pickled_texts(std::string_view bytes, const std::string& where);

/// Reads past any pickle of plain values (numbers, texts, lists, dictionaries) and returns its
/// length. Errors: Corrupt.
std::size_t skip_pickle(std::string_view bytes, const std::string& where);

}  // namespace reprise::models
