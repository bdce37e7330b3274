#include "orchestrator/wire.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "sweep/error.h"

namespace reprise::wire {
namespace {

std::vector<FromGang> from_gang() {
  return {Hello{kProtocolVersion, "local-0", "host", 7, 2, "cpu"},
          Heartbeat{"s", 3, 4, 5, 0.25, 1.5}, Result{"s", 9, {{"scalars", {{"psnr", 31.5}}}}},
          Failure{"s", 2, "unavailable", "handed back"}};
}

std::vector<ToGang> to_gang() {
  return {Welcome{250},
          Assign{"s",
                 4,
                 "pretrain",
                 "label",
                 {{"seed", 1}},
                 {{"checkpoint_every", 5}},
                 "/x.h5",
                 "abc",
                 {{"network", "def"}}},
          Ack{"s", 1}, Revoke{"s", 1, "stalled"}, Shutdown{"done"}};
}

template <typename Action>
void expect_corrupt(Action action, const std::string& what) {
  try {
    action();
    ADD_FAILURE() << "accepted: " << what;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Corrupt) << what;
  }
}

TEST(Wire, EveryMessageRoundTrips) {
  for (const FromGang& message : from_gang()) {
    const std::string text = encode(message);
    const FromGang back = decode_from_gang(text);
    EXPECT_EQ(back.index(), message.index());
    EXPECT_EQ(encode(back), text);
  }
  for (const ToGang& message : to_gang()) {
    const std::string text = encode(message);
    const ToGang back = decode_to_gang(text);
    EXPECT_EQ(back.index(), message.index());
    EXPECT_EQ(encode(back), text);
  }
}

TEST(Wire, FieldsArriveWhereTheyWereSent) {
  const auto assign = std::get<Assign>(decode_to_gang(encode(to_gang()[1])));
  EXPECT_EQ(assign.fence, 4);
  EXPECT_EQ(assign.inputs.at("network"), "def");
  EXPECT_EQ(assign.config.at("seed").as_int64(), 1);
  const auto beat = std::get<Heartbeat>(decode_from_gang(encode(from_gang()[1])));
  EXPECT_EQ(beat.progress, 4);
  EXPECT_EQ(beat.progress_end, 5);
  EXPECT_DOUBLE_EQ(beat.steps_per_second, 1.5);
}

TEST(Wire, NotANumberTravelsAsNull) {
  Heartbeat beat;
  beat.loss = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isnan(std::get<Heartbeat>(decode_from_gang(encode(FromGang(beat)))).loss));
}

TEST(Wire, TruncationAtEveryByteIsRefused) {
  for (const FromGang& message : from_gang()) {
    const std::string text = encode(message);
    for (std::size_t n = 0; n < text.size(); ++n) {
      expect_corrupt([&] { decode_from_gang(std::string_view(text).substr(0, n)); },
                     text.substr(0, n));
    }
  }
  for (const ToGang& message : to_gang()) {
    const std::string text = encode(message);
    for (std::size_t n = 0; n < text.size(); ++n) {
      expect_corrupt([&] { decode_to_gang(std::string_view(text).substr(0, n)); },
                     text.substr(0, n));
    }
  }
}

TEST(Wire, WrongTypesAndUnknownKeysAreRefused) {
  for (
      const char* text :
      {"[]", "null", "{}", R"({"type":1})", R"({"type":"nope"})", R"({"type":"welcome"})",
       R"({"type":"hello","protocol":"1","gang":"g","host":"h","pid":1,"ranks":1,"device":"cpu"})",
       R"({"type":"hello","protocol":1,"gang":"g","host":"h","pid":-1,"ranks":1,"device":"cpu"})",
       R"({"type":"hello","protocol":1,"gang":"g","host":"h","pid":1,"ranks":1e3,"device":"cpu"})",
       R"({"type":"hello","protocol":1,"gang":"g","host":"h","pid":1,"ranks":1,"device":"c","x":1})",
       R"({"type":"result","stage":"s","fence":1,"body":[]})",
       R"({"type":"result","stage":"s","fence":18446744073709551615,"body":{}})",
       R"({"type":"failure","stage":"s","fence":1,"code":null,"message":""})"}) {
    expect_corrupt([&] { decode_from_gang(text); }, text);
  }
  expect_corrupt([] { decode_to_gang(R"({"type":"ack","stage":"s"})"); }, "no fence");
  expect_corrupt([] { decode_to_gang(R"({"type":"welcome","heartbeat_ms":1.5})"); }, "fraction");
}

TEST(Wire, OversizeAndDeepNestingAreRefused) {
  expect_corrupt([] { decode_from_gang(std::string(kFrameBytesMax + 1, ' ')); }, "oversize");
  const std::string name(1000, 'x');
  expect_corrupt([&] { decode_from_gang(encode(FromGang(Heartbeat{name, 1, 1, 1, 0, 0, 0}))); },
                 "long name");
  expect_corrupt([] { decode_from_gang(std::string(100000, '[')); }, "deep");
}

}  // namespace
}  // namespace reprise::wire
