#include "orchestrator/doctor_network.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <exception>

#include "orchestrator/certificate.h"
#include "orchestrator/stream.h"
#include "sweep/error.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
using Acceptor = asio::ip::tcp::acceptor;

constexpr std::chrono::seconds kHandshakeMax{10};
constexpr const char* kOwnAddresses = "give an address of this machine: hostname -I lists them";

Finding port(Acceptor& acceptor, const asio::ip::address& address, const DoctorOptions& options) {
  boost::system::error_code error;
  const asio::ip::tcp::endpoint wanted(address, static_cast<unsigned short>(options.port));
  acceptor.open(wanted.protocol(), error);
  if (!error) acceptor.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(wanted, error);
  if (!error) acceptor.listen(1, error);
  const std::string where = options.bind + ":" + std::to_string(options.port);
  if (error) {
    return {"port", Health::Bad, where + ": " + error.message(),
            options.port == 0 ? kOwnAddresses
                              : "choose another --port, or none: a free one is taken then"};
  }
  asio::ip::tcp::socket client(acceptor.get_executor());
  client.connect(acceptor.local_endpoint(error), error);
  if (!error) acceptor.accept(error);
  if (error) {
    return {"port", Health::Bad,
            where + ": can be listened on, not connected to: " + error.message(),
            "a firewall on that device: allow connections of this machine to itself"};
  }
  return {"port", Health::Ok, where + ": can be listened on and connected to", ""};
}

Finding name(bool needed) {
  const std::string own = asio::ip::host_name();
  asio::io_context io;
  boost::system::error_code error;
  std::vector<std::string> addresses;
  for (const auto& entry : asio::ip::tcp::resolver(io).resolve(own, "", error)) {
    const std::string text = entry.endpoint().address().to_string();
    if (std::find(addresses.begin(), addresses.end(), text) == addresses.end()) {
      addresses.push_back(text);
    }
  }
  return name_from(own, addresses, error ? error.message() : "", needed);
}

asio::awaitable<void> serve(Acceptor& acceptor, asio::ssl::context& context) {
  auto [error, socket] = co_await acceptor.async_accept(kAsTuple);
  if (error) co_return;
  Stream stream(Stream::Tcp(std::move(socket)), context);
  stream.next_layer().expires_after(kHandshakeMax);
  co_await stream.welcome();
}

asio::awaitable<void> visit(asio::io_context& io, const Acceptor& acceptor, std::string host,
                            std::string fingerprint) {
  co_await connect(io.get_executor(), std::move(host),
                   std::to_string(acceptor.local_endpoint().port()), std::move(fingerprint),
                   kHandshakeMax);
}

/// A coordinator's certificate and a gang's connection, both ends here.
Finding tls(asio::io_context& io, Acceptor& acceptor, const std::string& host) {
  std::exception_ptr failure;
  try {
    const Certificate certificate = make_certificate(host);
    asio::ssl::context context = server_context(certificate);
    asio::co_spawn(io, serve(acceptor, context), asio::detached);
    asio::co_spawn(io, visit(io, acceptor, host, certificate.fingerprint),
                   [&](const std::exception_ptr& thrown) {
                     failure = thrown;
                     acceptor.close();
                   });
    io.run();
    if (failure) std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return {"TLS", Health::Bad, host + ": " + error.what(),
            "coordinators that listen beyond this machine need it: --bind with an address that "
            "this machine reaches itself by, and an OpenSSL with TLS 1.3"};
  }
  return {"TLS", Health::Ok, "a certificate for " + host + " is made, shown and recognised", ""};
}

bool is_loopback(const std::string& text) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(text, error);
  return !error && address.is_loopback();
}

}  // namespace

Finding name_from(const std::string& name, const std::vector<std::string>& addresses,
                  const std::string& error, bool needed) {
  const std::string fix =
      "give gangs on other machines an address instead (--bind ADDRESS; hostname -I lists them), "
      "or correct /etc/hosts";
  if (addresses.empty()) {
    return {"name", needed ? Health::Bad : Health::Warning,
            name + ": this machine's own name has no address (" + error + ")", fix};
  }
  std::string text = name + ":";
  for (const std::string& address : addresses) text += " " + address;
  if (std::all_of(addresses.begin(), addresses.end(), is_loopback)) {
    text += "; no other machine can mean this one by that";
    return {"name", needed ? Health::Warning : Health::Ok, text, needed ? fix : ""};
  }
  return {"name", Health::Ok, text, ""};
}

std::vector<Finding> examine_network(const DoctorOptions& options) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(options.bind, error);
  if (error) {
    return {{"port", Health::Bad, "--bind " + options.bind + ": not an address", kOwnAddresses}};
  }
  asio::io_context io;
  Acceptor acceptor(io);
  std::vector<Finding> findings{port(acceptor, address, options), name(address.is_unspecified())};
  if (findings[0].health == Health::Ok && findings[1].health != Health::Bad) {
    findings.push_back(
        tls(io, acceptor, address.is_unspecified() ? asio::ip::host_name() : options.bind));
  }
  return findings;
}

}  // namespace reprise
