#pragma once
/// The whole protocol between the coordinator and a gang's rank 0, on one page.
///
/// Transport: WebSocket text frames on `/gang`: a JSON object {"type": "...", ...}, or an array of
/// at most `kMessagesMax` of them, in order. The upgrade request carries `Authorization: Bearer
/// TOKEN`. JSON because a capture should be readable. At most `kFrameBytesMax` a frame.
///
///   gang → coordinator                         coordinator → gang
///   Hello       once, first                    Welcome    answer to Hello
///   Heartbeat   every heartbeat_ms             Assign     a stage under a fence
///   Result      a stage is done                Ack        its result is durable
///   Failure     a stage failed                 Revoke     stop this stage, it is no longer yours;
///                                                         also the answer to Failure
///                                              Shutdown   checkpoint, hand back, leave
///
/// A gang may be given several stages and works on them in the order of their assignments. A fence
/// is a number that only grows; a message whose fence is not the newest of its stage is dropped; an
/// assignment whose fence the gang has seen is ignored. `Result` and `Failure` are repeated until
/// they are acknowledged or revoked, also over a new connection; the coordinator answers a repeated
/// one with the same `Ack`.

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace reprise::wire {

inline constexpr int kProtocolVersion = 2;
inline constexpr std::size_t kFrameBytesMax = 64U << 20U;
inline constexpr std::size_t kMessagesMax = 1024;

struct Hello {
  int protocol = kProtocolVersion;
  std::string gang;  ///< Name given by the launcher ("local-3"), unique in a coordinator's life.
  std::string host;
  std::int64_t pid = 0;
  int ranks = 1;
  std::string device;  ///< "cpu" or "cuda".
};
/// Also renews the lease. `progress` only grows while the stage really advances (steps, slices).
struct Heartbeat {
  std::string stage;  ///< Empty while idle.
  std::int64_t fence = 0;
  std::int64_t progress = 0;
  std::int64_t progress_end = 0;  ///< What `progress` will be at the end.
  double loss = 0;                ///< Latest training loss; 0 where there is none.
  double steps_per_second = 0;
  std::int64_t stalest_ms = 0;  ///< Age of the last sign of life of the stalest rank.
};
/// `body`: {"artifacts": {"weights" or "samples": {"sha256", "bytes"}}, "scalars": {name: number},
/// "curve": [[step, loss]...], "rows": {"subjects": [id...], "subject": [index...],
/// "slice": [n...], "values": {metric: [number or null...]}}, "validation"?: [[step, PSNR]...],
/// "notes"?: {metric: why it has no values}, "provenance": {...}}. Everything but "provenance",
/// scalars named "*_seconds" and a profile's "FPS" is a pure function of the stage. The texts of
/// "provenance"."warnings" become events of the database; "provenance"."cost" is what
/// worker/cost_meter.h measured at rank 0.
struct Result {
  std::string stage;
  std::int64_t fence = 0;
  boost::json::object body;
};
struct Failure {
  std::string stage;
  std::int64_t fence = 0;
  std::string code;  ///< `to_string(ErrorCode)`: says whether a retry can help.
  std::string message;
};

struct Welcome {
  std::int64_t heartbeat_ms = 1000;
};
struct Assign {
  std::string stage;
  std::int64_t fence = 0;
  std::string kind;
  std::string label;
  boost::json::object config;
  boost::json::object options;
  std::string dataset_path;  ///< The HDF5 file.
  std::string dataset_digest;
  /// Role to the SHA-256 of that input's weights: `objects/<sha256>.safetensors` in the workspace.
  std::map<std::string, std::string> inputs;
};
struct Ack {
  std::string stage;
  std::int64_t fence = 0;
};
struct Revoke {
  std::string stage;
  std::int64_t fence = 0;
  std::string reason;
};
struct Shutdown {
  std::string reason;
};

using FromGang = std::variant<Hello, Heartbeat, Result, Failure>;
using ToGang = std::variant<Welcome, Assign, Ack, Revoke, Shutdown>;

std::string encode(const FromGang& message);
std::string encode(const ToGang& message);

/// Errors: Corrupt for anything that is not a message of this protocol (never trusts the peer).
FromGang decode_from_gang(std::string_view text);
ToGang decode_to_gang(std::string_view text);

/// One frame of encoded messages, at least one.
std::string join(std::span<const std::string> messages);
/// All messages of a frame. Errors: Corrupt; then none counts.
std::vector<FromGang> decode_frame_from_gang(std::string_view text);
std::vector<ToGang> decode_frame_to_gang(std::string_view text);

}  // namespace reprise::wire
