#include "orchestrator/certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <ctime>

#include "orchestrator/coordinator_file.h"
#include "orchestrator/stream.h"
#include "sweep/error.h"
#include "sweep/files.h"
#include "sweep/secret_file.h"

namespace reprise {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr long kValidSeconds = 397L * 24 * 3600;  ///< What browsers accept at most.
constexpr long kRenewSeconds = 30L * 24 * 3600;

template <typename T, void (*kFree)(T*)>
struct Freer {
  void operator()(T* object) const { kFree(object); }
};
struct BioFreer {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using X509Ptr = std::unique_ptr<X509, Freer<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION, X509_EXTENSION_free>>;
using BioPtr = std::unique_ptr<BIO, BioFreer>;

void require(bool done, const char* what) {
  if (!done) throw Error(ErrorCode::Unavailable, std::string("OpenSSL: cannot ") + what);
}

bool is_address(const std::string& host) {
  boost::system::error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

std::string text_of(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "name the host");
}

X509Ptr parse_certificate(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

KeyPtr parse_key(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return KeyPtr(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

/// Checked, because gangs would ask for it until they lose patience.
std::string name_of_this_machine() {
  const std::string name = asio::ip::host_name();
  asio::io_context io;
  boost::system::error_code error;
  asio::ip::tcp::resolver(io).resolve(name, "", error);
  if (!error) return name;
  throw Error(ErrorCode::Unavailable,
              "this machine's name, " + name + ", has no address (" + error.message() +
                  "): give the one that others reach it by: --bind ADDRESS");
}

bool serves(X509* certificate, EVP_PKEY* key, const std::string& host) {
  if (certificate == nullptr || key == nullptr) return false;
  const bool named = is_address(host)
                         ? X509_check_ip_asc(certificate, host.c_str(), 0) == 1
                         : X509_check_host(certificate, host.c_str(), host.size(), 0, nullptr) == 1;
  std::time_t soon = std::time(nullptr) + kRenewSeconds;  // X509_cmp_time wants it writable.
  return named && X509_check_private_key(certificate, key) == 1 &&
         X509_cmp_time(X509_get0_notAfter(certificate), &soon) > 0;
}

}  // namespace

Certificate make_certificate(const std::string& host) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  require(key && certificate, "make a key");
  X509* const x = certificate.get();
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1,
          "find random numbers");
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);  // For clocks that are a little behind.
  X509_gmtime_adj(X509_getm_notAfter(x), kValidSeconds);
  X509_NAME* const name = X509_get_subject_name(x);
  const auto* const common = reinterpret_cast<const unsigned char*>("Reprise coordinator");
  require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0) == 1 &&
              X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key.get()) == 1,
          "fill a certificate");
  add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x, NID_ext_key_usage, "serverAuth");
  add_extension(x, NID_subject_alt_name,
                (is_address(host) ? "IP:" : "DNS:") + host + ",DNS:localhost,IP:127.0.0.1");
  require(X509_sign(x, key.get(), EVP_sha256()) > 0, "sign a certificate");

  const BioPtr certificate_text(BIO_new(BIO_s_mem()));
  const BioPtr key_text(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(certificate_text.get(), x) == 1 &&
              PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                       nullptr) == 1,
          "write a certificate");
  return {text_of(certificate_text), text_of(key_text), fingerprint_of(x)};
}

Certificate workspace_certificate(const fs::path& workspace, const std::string& host) {
  const fs::path certificate_file = workspace / "tls" / "certificate.pem";
  const fs::path key_file = workspace / "tls" / "key.pem";
  if (fs::exists(certificate_file) && fs::exists(key_file)) {
    Certificate kept{read_file(certificate_file), read_file(key_file), ""};
    const X509Ptr certificate = parse_certificate(kept.certificate_pem);
    if (serves(certificate.get(), parse_key(kept.key_pem).get(), host)) {
      kept.fingerprint = fingerprint_of(certificate.get());
      return kept;
    }
  }
  Certificate made = make_certificate(host);
  // In this order: a crash in between leaves a pair that does not fit, which is made anew.
  write_secret_file(key_file, made.key_pem);
  write_file_atomically(certificate_file, made.certificate_pem);
  return made;
}

asio::ssl::context server_context(const Certificate& certificate) {
  auto context = tls_context(asio::ssl::context::tls_server);
  context.use_certificate_chain(asio::buffer(certificate.certificate_pem));
  context.use_private_key(asio::buffer(certificate.key_pem), asio::ssl::context::pem);
  return context;
}

Identity identity_of(const fs::path& workspace, const std::string& bind, bool always_tls) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(bind, error);
  if (error) throw_invalid("bind address " + bind + ": " + error.message());
  Identity identity;
  identity.host = address.is_unspecified() ? name_of_this_machine() : bind;
  identity.names = {"127.0.0.1", "localhost", "[::1]", url_host(identity.host)};
  if (address.is_loopback() && !always_tls) return identity;
  const Certificate own = workspace_certificate(workspace, identity.host);
  identity.fingerprint = own.fingerprint;
  identity.tls = std::make_shared<asio::ssl::context>(server_context(own));
  return identity;
}

}  // namespace reprise
