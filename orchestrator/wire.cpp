#include "orchestrator/wire.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>
#include <utility>

#include "sweep/error.h"

namespace reprise::wire {
namespace {

namespace json = boost::json;

constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kTextBytesMax = 64U << 10U;

[[noreturn]] void refuse(std::string_view type, std::string_view key, const char* wanted) {
  throw_corrupt("message " + std::string(type) + ", key " + std::string(key) + ": " + wanted);
}

/// Reads the members of one message; `finish` refuses unknown ones.
class Reader {
 public:
  Reader(std::string_view type, json::object& object) : type_(type), object_(object) {}

  std::string text(std::string_view key, std::size_t bytes_max) {
    const json::value& value = at(key);
    if (!value.is_string() || value.get_string().size() > bytes_max) {
      refuse(type_, key, "want a text that is not too long");
    }
    return {value.get_string().data(), value.get_string().size()};
  }

  std::int64_t integer(std::string_view key) {
    const json::value& value = at(key);
    if (!value.is_int64() || value.get_int64() < 0) refuse(type_, key, "want an integer >= 0");
    return value.get_int64();
  }

  int small(std::string_view key) {
    const std::int64_t value = integer(key);
    if (value > (1 << 20)) refuse(type_, key, "number too large");
    return static_cast<int>(value);
  }

  /// JSON has no NaN or infinity: they travel as null and arrive as NaN.
  double number(std::string_view key) {
    const json::value& value = at(key);
    if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!value.is_number()) refuse(type_, key, "want a number or null");
    return value.to_number<double>();
  }

  json::object object(std::string_view key) {
    json::value& value = at(key);
    if (!value.is_object()) refuse(type_, key, "want an object");
    return std::move(value.get_object());
  }

  std::map<std::string, std::string> texts(std::string_view key) {
    std::map<std::string, std::string> result;
    for (const auto& [name, value] : object(key)) {
      if (!value.is_string() || value.get_string().size() > kNameBytesMax) {
        refuse(type_, key, "want an object of short texts");
      }
      result.emplace(std::string(name), std::string(value.get_string()));
    }
    return result;
  }

  void finish() const {
    if (read_ + 1 != object_.size()) {
      throw_corrupt("message " + std::string(type_) + ": has unknown keys");
    }
  }

 private:
  json::value& at(std::string_view key) {
    json::value* value = object_.if_contains(key);
    if (value == nullptr) refuse(type_, key, "missing");
    ++read_;
    return *value;
  }

  std::string_view type_;
  json::object& object_;
  std::size_t read_ = 0;
};

json::value parse(std::string_view text) {
  if (text.size() > kFrameBytesMax) throw_corrupt("message: longer than a frame may be");
  json::parse_options options;
  options.max_depth = 32;
  json::error_code code;
  json::value value = json::parse(json::string_view(text.data(), text.size()), code, {}, options);
  if (code) throw_corrupt("message: not JSON");
  return value;
}

json::object& object_of(json::value& value, std::string& type) {
  if (!value.is_object()) throw_corrupt("message: not a JSON object");
  json::object& object = value.get_object();
  const json::value* name = object.if_contains("type");
  if (name == nullptr || !name->is_string()) throw_corrupt("message: no type");
  type.assign(name->get_string().data(), name->get_string().size());
  if (type.size() > kNameBytesMax) throw_corrupt("message: type too long");
  return object;
}

json::value finite(double number) {
  return std::isfinite(number) ? json::value(number) : json::value(nullptr);
}

json::object texts(const std::map<std::string, std::string>& map) {
  json::object object;
  for (const auto& [key, value] : map) object[key] = value;
  return object;
}

json::object to_json(const Hello& m) {
  return {{"type", "hello"}, {"protocol", m.protocol}, {"gang", m.gang},    {"host", m.host},
          {"pid", m.pid},    {"ranks", m.ranks},       {"device", m.device}};
}
json::object to_json(const Heartbeat& m) {
  return {{"type", "heartbeat"},
          {"stage", m.stage},
          {"fence", m.fence},
          {"progress", m.progress},
          {"progress_end", m.progress_end},
          {"loss", finite(m.loss)},
          {"steps_per_second", finite(m.steps_per_second)},
          {"stalest_ms", m.stalest_ms}};
}
json::object to_json(const Result& m) {
  return {{"type", "result"}, {"stage", m.stage}, {"fence", m.fence}, {"body", m.body}};
}
json::object to_json(const Failure& m) {
  return {{"type", "failure"},
          {"stage", m.stage},
          {"fence", m.fence},
          {"code", m.code},
          {"message", std::string_view(m.message).substr(0, kTextBytesMax)}};
}
json::object to_json(const Welcome& m) {
  return {{"type", "welcome"}, {"heartbeat_ms", m.heartbeat_ms}};
}
json::object to_json(const Assign& m) {
  return {{"type", "assign"},
          {"stage", m.stage},
          {"fence", m.fence},
          {"kind", m.kind},
          {"label", m.label},
          {"config", m.config},
          {"options", m.options},
          {"dataset_path", m.dataset_path},
          {"dataset_digest", m.dataset_digest},
          {"inputs", texts(m.inputs)}};
}
json::object to_json(const Ack& m) {
  return {{"type", "ack"}, {"stage", m.stage}, {"fence", m.fence}};
}
json::object to_json(const Revoke& m) {
  return {{"type", "revoke"},
          {"stage", m.stage},
          {"fence", m.fence},
          {"reason", std::string_view(m.reason).substr(0, kTextBytesMax)}};
}
json::object to_json(const Shutdown& m) {
  return {{"type", "shutdown"}, {"reason", std::string_view(m.reason).substr(0, kTextBytesMax)}};
}

template <typename Message>
std::string encode_any(const Message& message) {
  return std::visit([](const auto& m) { return json::serialize(to_json(m)); }, message);
}

Heartbeat read_heartbeat(Reader& reader) {
  Heartbeat m;
  m.stage = reader.text("stage", kNameBytesMax);
  m.fence = reader.integer("fence");
  m.progress = reader.integer("progress");
  m.progress_end = reader.integer("progress_end");
  m.loss = reader.number("loss");
  m.steps_per_second = reader.number("steps_per_second");
  m.stalest_ms = reader.integer("stalest_ms");
  return m;
}

Assign read_assign(Reader& reader) {
  Assign m;
  m.stage = reader.text("stage", kNameBytesMax);
  m.fence = reader.integer("fence");
  m.kind = reader.text("kind", kNameBytesMax);
  m.label = reader.text("label", kTextBytesMax);
  m.config = reader.object("config");
  m.options = reader.object("options");
  m.dataset_path = reader.text("dataset_path", kTextBytesMax);
  m.dataset_digest = reader.text("dataset_digest", kNameBytesMax);
  m.inputs = reader.texts("inputs");
  return m;
}

FromGang from_gang(json::value& value) {
  std::string type;
  json::object& object = object_of(value, type);
  Reader reader(type, object);
  FromGang message;
  if (type == "hello") {
    Hello m;
    m.protocol = reader.small("protocol");
    m.gang = reader.text("gang", kNameBytesMax);
    m.host = reader.text("host", kNameBytesMax);
    m.pid = reader.integer("pid");
    m.ranks = reader.small("ranks");
    m.device = reader.text("device", kNameBytesMax);
    message = m;
  } else if (type == "heartbeat") {
    message = read_heartbeat(reader);
  } else if (type == "result") {
    Result m;
    m.stage = reader.text("stage", kNameBytesMax);
    m.fence = reader.integer("fence");
    m.body = reader.object("body");
    message = std::move(m);
  } else if (type == "failure") {
    Failure m;
    m.stage = reader.text("stage", kNameBytesMax);
    m.fence = reader.integer("fence");
    m.code = reader.text("code", kNameBytesMax);
    m.message = reader.text("message", kTextBytesMax);
    message = m;
  } else {
    throw_corrupt("message: unknown type from a gang");
  }
  reader.finish();
  return message;
}

ToGang to_gang(json::value& value) {
  std::string type;
  json::object& object = object_of(value, type);
  Reader reader(type, object);
  ToGang message;
  if (type == "welcome") {
    message = Welcome{reader.integer("heartbeat_ms")};
  } else if (type == "assign") {
    message = read_assign(reader);
  } else if (type == "ack") {
    Ack m;
    m.stage = reader.text("stage", kNameBytesMax);
    m.fence = reader.integer("fence");
    message = m;
  } else if (type == "revoke") {
    Revoke m;
    m.stage = reader.text("stage", kNameBytesMax);
    m.fence = reader.integer("fence");
    m.reason = reader.text("reason", kTextBytesMax);
    message = m;
  } else if (type == "shutdown") {
    message = Shutdown{reader.text("reason", kTextBytesMax)};
  } else {
    throw_corrupt("message: unknown type from the coordinator");
  }
  reader.finish();
  return message;
}

template <typename Message>
std::vector<Message> decode_frame(std::string_view text, Message (*decode)(json::value&)) {
  json::value value = parse(text);
  std::vector<Message> messages;
  if (!value.is_array()) {
    messages.push_back(decode(value));
    return messages;
  }
  json::array& list = value.get_array();
  if (list.empty() || list.size() > kMessagesMax) {
    throw_corrupt("frame: want 1 to " + std::to_string(kMessagesMax) + " messages");
  }
  for (json::value& one : list) messages.push_back(decode(one));
  return messages;
}

}  // namespace

std::string encode(const FromGang& message) { return encode_any(message); }
std::string encode(const ToGang& message) { return encode_any(message); }

FromGang decode_from_gang(std::string_view text) {
  json::value value = parse(text);
  return from_gang(value);
}

ToGang decode_to_gang(std::string_view text) {
  json::value value = parse(text);
  return to_gang(value);
}

std::string join(std::span<const std::string> messages) {
  if (messages.size() == 1) return messages.front();
  std::string frame;
  for (const std::string& message : messages) {
    frame += frame.empty() ? '[' : ',';
    frame += message;
  }
  return frame + ']';
}

std::vector<FromGang> decode_frame_from_gang(std::string_view text) {
  return decode_frame<FromGang>(text, from_gang);
}

std::vector<ToGang> decode_frame_to_gang(std::string_view text) {
  return decode_frame<ToGang>(text, to_gang);
}

}  // namespace reprise::wire
