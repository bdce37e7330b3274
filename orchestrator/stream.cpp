#include "orchestrator/stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <string_view>
#include <utility>

#include "sweep/error.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = asio::ssl;

constexpr std::string_view kPlainRefused =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 34\r\n"
    "Connection: close\r\n\r\nThis port speaks https, not http.\n";

}  // namespace

void Stream::read_some(const Few<asio::mutable_buffer>& buffers, Done done) {
  std::visit([&](auto& layer) { layer.async_read_some(buffers, std::move(done)); }, layer_);
}

void Stream::write_some(const Few<asio::const_buffer>& buffers, Done done) {
  std::visit([&](auto& layer) { layer.async_write_some(buffers, std::move(done)); }, layer_);
}

void Stream::teardown(beast::role_type role, Completion<beast::error_code> done) {
  beast::websocket::async_teardown(role, next_layer().socket(), std::move(done));
}

asio::awaitable<bool> Stream::welcome() {
  auto* tls = std::get_if<Tls>(&layer_);
  if (tls == nullptr) co_return true;
  auto [error] = co_await tls->async_handshake(ssl::stream_base::server, kAsTuple);
  if (!error) co_return true;
  if (error.category() == asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST) {
    co_await asio::async_write(next_layer(), asio::buffer(kPlainRefused), kAsTuple);
    beast::error_code ignored;
    next_layer().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
  co_return false;
}

asio::awaitable<void> Stream::finish() {
  if (auto* tls = std::get_if<Tls>(&layer_)) {
    co_await tls->async_shutdown(kAsTuple);  // Many do not answer it: the deadline ends that.
  } else {
    beast::error_code ignored;
    next_layer().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
}

asio::awaitable<Stream> connect(asio::any_io_executor executor, std::string host, std::string port,
                                std::string fingerprint, std::chrono::milliseconds patience) {
  beast::tcp_stream tcp(std::move(executor));
  asio::ip::tcp::resolver resolver(tcp.get_executor());
  const auto found = co_await resolver.async_resolve(host, port, asio::use_awaitable);
  tcp.expires_after(patience);
  co_await tcp.async_connect(found, asio::use_awaitable);
  if (fingerprint.empty()) {
    tcp.expires_never();
    co_return Stream(std::move(tcp));
  }
  // Nothing to verify but the fingerprint, which is compared below before a byte of ours is sent.
  ssl::context context = tls_context(ssl::context::tls_client);
  Stream stream(std::move(tcp), context);
  auto& tls = std::get<Stream::Tls>(stream.layer_);
  co_await tls.async_handshake(ssl::stream_base::client, asio::use_awaitable);
  const std::unique_ptr<X509, decltype(&X509_free)> shown(
      SSL_get1_peer_certificate(tls.native_handle()), &X509_free);
  if (!shown || fingerprint_of(shown.get()) != fingerprint) {
    throw Error(ErrorCode::Unavailable,
                host + " port " + port +
                    " shows another certificate than coordinator.json names: " +
                    "it is not this workspace's coordinator");
  }
  stream.next_layer().expires_never();
  co_return stream;
}

ssl::context tls_context(ssl::context::method method) {
  ssl::context context(method);
  if (SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_3_VERSION) != 1) {
    throw Error(ErrorCode::Unavailable, "OpenSSL has no TLS 1.3");
  }
  return context;
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  REPRISE_CHECK(X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1);
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[digest.at(i) >> 4U];
    text += kDigits[digest.at(i) & 15U];
  }
  return text;
}

}  // namespace reprise
