/// Any bytes as a frame, from a gang and from a coordinator: messages that survive a second
/// journey, or Error.

#include <string_view>

#include "orchestrator/wire.h"
#include "sweep/error.h"
#include "tests/fuzz/require.h"

namespace {

using namespace reprise;
using fuzz::require;

/// What the other side reads of a message that was read and sent on is the same message.
template <typename Message>
void travel_again(const std::vector<Message>& messages,
                  std::vector<Message> (*decode)(std::string_view)) {
  require(!messages.empty() && messages.size() <= wire::kMessagesMax);
  std::vector<std::string> texts;
  for (const Message& message : messages) texts.push_back(wire::encode(message));
  const std::vector<Message> again = decode(wire::join(texts));
  require(again.size() == messages.size());
  for (std::size_t i = 0; i < again.size(); ++i) {
    require(again[i].index() == messages[i].index());
  }
}

template <typename Message>
void try_as(std::string_view text, std::vector<Message> (*decode)(std::string_view)) {
  std::vector<Message> messages;
  try {
    messages = decode(text);
  } catch (const Error& error) {
    require(error.code() == ErrorCode::Corrupt);
    return;
  }
  travel_again(messages, decode);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_as(text, wire::decode_frame_from_gang);
  try_as(text, wire::decode_frame_to_gang);
  return 0;
}
