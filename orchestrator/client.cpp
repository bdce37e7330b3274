#include "orchestrator/client.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <limits>

#include "orchestrator/stream.h"
#include "sweep/error.h"
#include "sweep/json.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

constexpr std::chrono::seconds kPatience{10};

/// The person's name, for the events table.
std::string who_we_are() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : "uid " + std::to_string(::geteuid());
}

// By value, and the response by pointer: both must outlive every suspension.
asio::awaitable<void> exchange(asio::any_io_executor executor, CoordinatorAddress address,
                               Request request, Response* response) {
  Stream stream = co_await connect(std::move(executor), address.host, std::to_string(address.port),
                                   address.fingerprint, kPatience);
  stream.next_layer().expires_after(kPatience);
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // A long study's status is long.
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  *response = parser.release();
}

/// What a refusal says of itself.
std::string error_in(const std::string& body) {
  try {
    return std::string(sweep::parse_json(body, "answer").as_object().at("error").as_string());
  } catch (const std::exception&) {
    return body.substr(0, 200);
  }
}

}  // namespace

std::string Client::ask(const char* method, const std::string& target,
                        const std::string& body) const {
  Request request(http::string_to_verb(method), target, 11);
  request.set(http::field::host, authority(address_));
  request.set(http::field::authorization, "Bearer " + address_.token);
  request.set(http::field::connection, "close");
  request.body() = body;
  request.prepare_payload();
  Response response;
  std::exception_ptr failure;
  asio::io_context io{1};
  asio::co_spawn(io, exchange(io.get_executor(), address_, std::move(request), &response),
                 [&failure](const std::exception_ptr& error) { failure = error; });
  io.run();
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    throw Error(ErrorCode::Unavailable, "the coordinator (process " + std::to_string(address_.pid) +
                                            ", " + authority(address_) +
                                            ") does not answer: " + error.code().message() +
                                            "; if it was killed, start it again with reprise run");
  }
  if (response.result() != http::status::ok) {
    const std::string why = error_in(response.body());
    if (response.result_int() >= 500) {
      throw Error(ErrorCode::Unavailable, "the coordinator cannot do that now: " + why);
    }
    throw_invalid("the coordinator refused: " + why);
  }
  return std::move(response.body());
}

bool is_held(const std::filesystem::path& workspace) {
  const int fd = ::open((workspace / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return held;
}

std::string Client::get(const std::string& target) const { return ask("GET", target, ""); }

boost::json::object Client::post(const std::string& target, boost::json::object body) const {
  body["who"] = who_we_are();
  boost::json::value answer =
      sweep::parse_json(ask("POST", target, boost::json::serialize(body)), target);
  if (!answer.is_object()) throw_corrupt(target + ": the answer is no JSON object");
  return std::move(answer.get_object());
}

}  // namespace reprise
