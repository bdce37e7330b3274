#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>

#include "orchestrator/certificate.h"
#include "orchestrator/coordinator_file.h"
#include "orchestrator/stream.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "tests/support/temp_dir.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::ip::tcp;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kPatience{10};

unsigned mode_of(const fs::path& file) {
  struct stat info{};
  EXPECT_EQ(::stat(file.c_str(), &info), 0) << file;
  return info.st_mode & 0777U;
}

TEST(Certificate, StaysUntilItDoesNotServe) {
  const testing::TempDir folder;
  const Certificate first = workspace_certificate(folder.path(), "10.1.2.3");
  EXPECT_EQ(first.fingerprint.size(), 64U);
  const fs::path key = folder.path() / "tls" / "key.pem";
  EXPECT_EQ(mode_of(key), 0600U);
  const Certificate again = workspace_certificate(folder.path(), "10.1.2.3");
  EXPECT_EQ(again.fingerprint, first.fingerprint);
  EXPECT_EQ(again.key_pem, first.key_pem);
  // Both name the loopback too.
  EXPECT_EQ(workspace_certificate(folder.path(), "localhost").fingerprint, first.fingerprint);
  EXPECT_EQ(workspace_certificate(folder.path(), "127.0.0.1").fingerprint, first.fingerprint);

  const Certificate other = workspace_certificate(folder.path(), "node7.example");
  EXPECT_NE(other.fingerprint, first.fingerprint);
  write_file_atomically(key, first.key_pem);  // A key of another certificate.
  const Certificate fits = workspace_certificate(folder.path(), "node7.example");
  EXPECT_NE(fits.fingerprint, other.fingerprint);
  EXPECT_EQ(mode_of(key), 0600U);
  write_file_atomically(folder.path() / "tls" / "certificate.pem", "damaged");
  EXPECT_NE(workspace_certificate(folder.path(), "node7.example").fingerprint, fits.fingerprint);
}

TEST(Certificate, IsAskedForBeyondLoopbackAlways) {
  const testing::TempDir folder;
  for (const char* loopback : {"127.0.0.1", "127.1.2.3", "::1"}) {
    const Identity plain = identity_of(folder.path(), loopback, false);
    EXPECT_EQ(plain.host, loopback);
    EXPECT_EQ(plain.tls, nullptr);
    EXPECT_EQ(plain.fingerprint, "");
    EXPECT_NE(identity_of(folder.path(), loopback, true).tls, nullptr);
  }
  for (const char* open : {"0.0.0.0", "::", "10.1.2.3", "192.168.0.1", "fe80::1"}) {
    const Identity identity = identity_of(folder.path(), open, false);
    EXPECT_NE(identity.tls, nullptr) << open;
    EXPECT_EQ(identity.fingerprint.size(), 64U) << open;
  }
  EXPECT_EQ(identity_of(folder.path(), "0.0.0.0", false).host, asio::ip::host_name());
  EXPECT_THROW((void)identity_of(folder.path(), "nowhere", false), Error);
  // Where no key can be written there is no port either.
  const testing::TempDir blocked;
  write_file_atomically(blocked.path() / "tls", "a file");
  try {
    (void)identity_of(blocked.path(), "0.0.0.0", false);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Unavailable) << error.what();
  }
}

TEST(CoordinatorAddress, IsWrittenAsUrlsAre) {
  CoordinatorAddress address;
  address.host = "::1";
  address.port = 80;
  EXPECT_EQ(base_url(address), "http://[::1]:80");
  address.host = "node7";
  address.fingerprint = "ab";
  EXPECT_EQ(base_url(address), "https://node7:80");
  EXPECT_EQ(authority(address), "node7:80");
}

TEST(CoordinatorFile, KeepsEverythingForItsOwnerOnly) {
  const testing::TempDir folder;
  write_coordinator_file(folder.path(), {.host = "node7",
                                         .port = 65535,
                                         .token = "act",
                                         .view_token = "view",
                                         .pid = 7,
                                         .fingerprint = "ab"});
  EXPECT_EQ(mode_of(folder.path() / "coordinator.json"), 0600U);
  const CoordinatorAddress read = read_coordinator_file(folder.path());
  EXPECT_EQ(base_url(read), "https://node7:65535");
  EXPECT_EQ(read.token + read.view_token + std::to_string(read.pid), "actview7");
  // Without the fingerprint it would be spoken to in plain text.
  write_file_atomically(folder.path() / "coordinator.json",
                        R"({"host": "h", "port": 1, "token": "a", "view_token": "b", "pid": 1})");
  EXPECT_THROW((void)read_coordinator_file(folder.path()), Error);
}

/// A server that takes one connection and keeps what it was sent.
struct Server {
  asio::io_context& io;
  asio::ssl::context* tls;
  tcp::acceptor acceptor{io, {asio::ip::make_address("127.0.0.1"), 0}};
  bool welcomed = false;
  std::string got = {};

  [[nodiscard]] std::string port() const {
    return std::to_string(acceptor.local_endpoint().port());
  }
};

asio::awaitable<void> take_one(Server* server) {
  tcp::socket socket = co_await server->acceptor.async_accept(asio::use_awaitable);
  Stream stream(boost::beast::tcp_stream(std::move(socket)), *server->tls);
  stream.next_layer().expires_after(kPatience);
  server->welcomed = co_await stream.welcome();
  if (!server->welcomed) co_return;
  std::array<char, 64> buffer{};
  auto [error, count] = co_await stream.async_read_some(asio::buffer(buffer), kTuple);
  server->got.assign(buffer.data(), count);
  if (!error) co_await stream.finish();
}

/// Connects and says "secret"; what went wrong, or nothing.
asio::awaitable<void> say_secret(std::string port, std::string fingerprint, std::string* failure) {
  const auto executor = co_await asio::this_coro::executor;
  try {
    Stream stream =
        co_await connect(executor, "127.0.0.1", std::move(port), std::move(fingerprint), kPatience);
    stream.next_layer().expires_after(kPatience);
    co_await stream.async_write_some(asio::buffer("secret", 6), asio::use_awaitable);
    co_await stream.finish();
  } catch (const std::exception& error) {
    *failure = error.what();
  }
}

/// Sends bytes over plain TCP; what comes back until the end.
asio::awaitable<void> say_plainly(std::string port, std::string text, std::string* answer) {
  const auto executor = co_await asio::this_coro::executor;
  Stream stream = co_await connect(executor, "127.0.0.1", std::move(port), "", kPatience);
  stream.next_layer().expires_after(kPatience);
  co_await stream.async_write_some(asio::buffer(text), kTuple);
  co_await stream.finish();
  std::array<char, 4096> buffer{};
  while (true) {
    auto [error, count] = co_await stream.async_read_some(asio::buffer(buffer), kTuple);
    if (error) co_return;
    answer->append(buffer.data(), count);
  }
}

class TlsTest : public ::testing::Test {
 protected:
  const testing::TempDir folder_;
  const Identity identity_ = identity_of(folder_.path(), "127.0.0.1", true);
  asio::io_context io_{1};
  Server server_{io_, identity_.tls.get()};
};

TEST_F(TlsTest, TheRightCertificateIsSpokenTo) {
  std::string failure;
  asio::co_spawn(io_, take_one(&server_), asio::detached);
  asio::co_spawn(io_, say_secret(server_.port(), identity_.fingerprint, &failure), asio::detached);
  io_.run();
  EXPECT_EQ(failure, "");
  EXPECT_TRUE(server_.welcomed);
  EXPECT_EQ(server_.got, "secret");
}

TEST_F(TlsTest, AnotherCertificateIsToldNothing) {
  for (std::string wrong : {std::string(64, '0'), make_certificate("127.0.0.1").fingerprint,
                            identity_.fingerprint.substr(1), std::string("x")}) {
    std::string failure;
    asio::co_spawn(io_, take_one(&server_), asio::detached);
    asio::co_spawn(io_, say_secret(server_.port(), wrong, &failure), asio::detached);
    io_.restart();
    io_.run();
    EXPECT_NE(failure.find("shows another certificate"), std::string::npos) << failure;
    EXPECT_EQ(server_.got, "");
  }
}

TEST_F(TlsTest, PlainTextIsRefused) {
  std::string answer;
  asio::co_spawn(io_, take_one(&server_), asio::detached);
  asio::co_spawn(io_,
                 say_plainly(server_.port(), "GET /status HTTP/1.1\r\nHost: x\r\n\r\n", &answer),
                 asio::detached);
  io_.run();
  EXPECT_FALSE(server_.welcomed);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nThis port speaks https, not http.\n")) << answer;

  answer.clear();
  asio::co_spawn(io_, take_one(&server_), asio::detached);
  asio::co_spawn(io_, say_plainly(server_.port(), "{\"type\": \"hello\"}\r\n\r\n", &answer),
                 asio::detached);
  io_.restart();
  io_.run();
  EXPECT_FALSE(server_.welcomed);
  EXPECT_EQ(answer.find("HTTP"), std::string::npos) << answer;
}

asio::awaitable<void> shake_hands(std::string port, int version, bool* done) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_max_proto_version(context.native_handle(), version);
  boost::beast::ssl_stream<boost::beast::tcp_stream> stream(co_await asio::this_coro::executor,
                                                            context);
  stream.next_layer().expires_after(kPatience);
  const tcp::endpoint server(asio::ip::make_address("127.0.0.1"),
                             static_cast<unsigned short>(std::stoi(port)));
  co_await stream.next_layer().async_connect(server, asio::use_awaitable);
  auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, kTuple);
  *done = !error;
}

TEST_F(TlsTest, OlderVersionsAreRefused) {
  for (const auto& [version, wanted] :
       {std::pair{TLS1_2_VERSION, false}, std::pair{TLS1_3_VERSION, true}}) {
    bool done = false;
    asio::co_spawn(io_, take_one(&server_), asio::detached);
    asio::co_spawn(io_, shake_hands(server_.port(), version, &done), asio::detached);
    io_.restart();
    io_.run();
    EXPECT_EQ(done, wanted) << version;
    EXPECT_EQ(server_.welcomed, wanted) << version;
  }
}

}  // namespace
}  // namespace reprise
