#include "server/security/tls_files.h"

#include <arpa/inet.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/x509v3.h>
#include <spdlog/spdlog.h>

#include <array>

#include "absl/strings/numbers.h"
#include "proto/support/durable_file.h"
#include "proto/support/pause.h"
#include "proto/support/status.h"

namespace laptime {
namespace {

constexpr char kInitHint[] = "laptime-server init makes what is missing";

absl::StatusOr<std::string> Read(const std::filesystem::path& path) {
  std::optional<std::string> text = ReadSmallFile(path, kMaxPemBytes);
  if (text) return *std::move(text);
  return WithHint(absl::StatusCode::kFailedPrecondition, "cannot read " + path.string(), kInitHint);
}

std::string AddressText(const ASN1_OCTET_STRING& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(&address) == sizeof(in_addr) ? AF_INET : AF_INET6;
  const char* done = inet_ntop(family, ASN1_STRING_get0_data(&address), text.data(), text.size());
  return done == nullptr ? "" : done;
}

}  // namespace

absl::StatusOr<bool> IsInitialised(const std::string& state_dir) {
  const TlsPaths paths{state_dir};
  std::error_code error;
  const auto is_there = [&](const std::filesystem::path& path) {
    return std::filesystem::exists(path, error) || error;
  };
  const bool complete = is_there(paths.ca_certificate());
  if (error) {
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    "cannot look at " + paths.ca_certificate().string() + ": " + error.message(),
                    "is the directory somebody else's?");
  }
  if (complete) return true;
  for (const auto& part : {paths.ca_key(), paths.chain(), paths.key(), paths.admin_token()}) {
    if (!is_there(part)) continue;
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    paths.ca_certificate().string() + " is missing beside " +
                        part.filename().string() + ": without it nothing here would be secured",
                    kInitHint);
  }
  return false;
}

absl::StatusOr<CertificateAuthority> ReadAuthority(const TlsPaths& paths) {
  const auto unusable = [&](const std::string& why) {
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    paths.ca_certificate().string() + " and ca.key: " + why,
                    "put them back from a copy: a new authority would shut out every machine");
  };
  const absl::StatusOr<std::string> certificate = Read(paths.ca_certificate());
  if (!certificate.ok()) return unusable(MessageOf(certificate.status()));
  const absl::StatusOr<std::string> key = Read(paths.ca_key());
  if (!key.ok()) return unusable(MessageOf(key.status()));
  absl::StatusOr<CertificateAuthority> authority = CertificateAuthority::Open(*certificate, *key);
  if (authority.ok()) return authority;
  return unusable(MessageOf(authority.status()));
}

absl::Status CheckServerPair(const std::string& chain_pem, const std::string& key_pem,
                             const CertificateAuthority& authority, int64_t now_unix_ms) {
  const absl::StatusOr<std::vector<Certificate>> chain = ParseChain(chain_pem);
  if (!chain.ok()) return chain.status();
  const absl::StatusOr<PrivateKey> key = ParsePrivateKey(key_pem);
  if (!key.ok()) return key.status();
  X509* leaf = chain->front().get();
  if (X509_check_private_key(leaf, key->get()) != 1)
    return absl::InvalidArgumentError("the key is not that of the certificate");
  if (Sha256Of(*chain->back()) != authority.sha256())
    return absl::InvalidArgumentError("the chain does not end with this coordinator's ca.pem");
  if (!authority.Signed(*leaf))
    return absl::InvalidArgumentError("the certificate is not signed by this coordinator's CA");
  if (ExpiryUnixMs(*leaf) <= now_unix_ms)
    return absl::InvalidArgumentError("the certificate has expired");
  if (ValidFromUnixMs(*leaf) > now_unix_ms)
    return absl::InvalidArgumentError("the certificate is not valid yet");
  if (NamesOf(*leaf).empty()) return absl::InvalidArgumentError("the certificate is for no name");
  return absl::OkStatus();
}

std::vector<std::string> NamesOf(const X509& certificate) {
  using Names = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
  const Names found(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; found != nullptr && i < sk_GENERAL_NAME_num(found.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(found.get(), i);
    if (name->type == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                         static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      names.push_back(AddressText(*name->d.iPAddress));
    }
  }
  return names;
}

absl::StatusOr<std::unique_ptr<TlsFiles>> TlsFiles::Start(const TlsPaths& paths,
                                                          const CertificateAuthority& authority,
                                                          const Clock& clock) {
  std::unique_ptr<TlsFiles> files(new TlsFiles(paths, authority, clock));
  std::error_code error;
  std::filesystem::create_directories(paths.in_force(), error);
  if (!error) {
    std::filesystem::permissions(paths.in_force(), std::filesystem::perms::owner_all, error);
  }
  if (error) {
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    "cannot make " + paths.in_force().string() + ": " + error.message(),
                    "is the disk full, or the directory somebody else's?");
  }
  if (absl::Status status = files->RenewIfOld(); !status.ok()) spdlog::warn(MessageOf(status));
  files->FindLast();
  if (absl::Status status = files->TakeOver(); !status.ok()) {
    if (files->in_force_.empty()) {
      return WithHint(absl::StatusCode::kFailedPrecondition,
                      paths.chain().string() + ", server.key: " + MessageOf(status), kInitHint);
    }
    files->Refuse(MessageOf(status));
  }
  files->RemoveOlder();
  files->thread_ =
      std::jthread([raw = files.get()](const std::stop_token& stop) { raw->Watch(stop); });
  return files;
}

void TlsFiles::FindLast() {
  const std::filesystem::path current = paths_.in_force() / "current";
  std::error_code error;
  const std::string name = std::filesystem::read_symlink(current, error).string();
  if (error || !absl::SimpleAtoi(name, &generation_)) return;
  const absl::StatusOr<std::string> chain = Read(current / "server.pem");
  const absl::StatusOr<std::string> key = Read(current / "server.key");
  if (!chain.ok() || !key.ok()) return;
  if (CheckServerPair(*chain, *key, authority_, UnixMs(clock_.WallNow())).ok())
    in_force_ = *chain + *key;
}

void TlsFiles::RemoveOlder() const {
  std::vector<std::filesystem::path> older;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(paths_.in_force(), error)) {
    const std::string name = entry.path().filename().string();
    if (name != "current" && name != std::to_string(generation_)) older.push_back(entry.path());
  }
  for (const std::filesystem::path& directory : older)
    std::filesystem::remove_all(directory, error);
}

void TlsFiles::Refuse(const std::string& complaint) {
  if (complaint != refused_ && !complaint.empty()) {
    spdlog::warn("server.pem and server.key are not taken over, the last good ones stay: {}",
                 complaint);
  }
  refused_ = complaint;
}

// gRPC's watcher follows the directory tls/current, a symbolic link: certificate and key change in
// one step.
absl::Status TlsFiles::TakeOver() {
  const absl::StatusOr<std::string> chain = Read(paths_.chain());
  if (!chain.ok()) return chain.status();
  const absl::StatusOr<std::string> key = Read(paths_.key());
  if (!key.ok()) return key.status();
  if (*chain + *key == in_force_) return absl::OkStatus();
  LAPTIME_RETURN_IF_ERROR(CheckServerPair(*chain, *key, authority_, UnixMs(clock_.WallNow())));
  const std::filesystem::path directory = paths_.in_force() / std::to_string(++generation_);
  std::error_code error;
  std::filesystem::create_directory(directory, error);
  if (!error) error = WriteStateFile(directory / "server.pem", *chain);
  if (!error) error = WriteStateFile(directory / "server.key", *key);
  const std::filesystem::path next = paths_.in_force() / "next";
  if (!error) std::filesystem::remove(next, error);
  if (!error) std::filesystem::create_directory_symlink(directory.filename(), next, error);
  if (!error) std::filesystem::rename(next, paths_.in_force() / "current", error);
  if (error) return absl::UnavailableError("cannot keep the pair: " + error.message());
  if (!in_force_.empty()) spdlog::info("the server's certificate is a new one");
  in_force_ = *chain + *key;
  return absl::OkStatus();
}

absl::Status TlsFiles::RenewIfOld() {
  const absl::StatusOr<std::string> pem = Read(paths_.chain());
  if (!pem.ok()) return pem.status();
  const absl::StatusOr<Certificate> leaf = ParseCertificate(*pem);
  // TakeOver complains of one that cannot be read, or that is another authority's.
  if (!leaf.ok() || !authority_.Signed(**leaf)) return absl::OkStatus();
  const int64_t now = UnixMs(clock_.WallNow());
  // Of its own lifetime: who puts one of three months in place keeps it for two.
  const int64_t lifetime = ExpiryUnixMs(**leaf) - ValidFromUnixMs(**leaf);
  if (ExpiryUnixMs(**leaf) - now > lifetime / 3) return absl::OkStatus();
  absl::StatusOr<CertificateAuthority::ServerIdentity> made =
      authority_.IssueServer(NamesOf(**leaf), now);
  if (!made.ok()) return made.status();
  std::error_code error = WriteStateFile(paths_.key(), made->key);
  if (!error) error = WriteStateFile(paths_.chain(), made->chain);
  if (error) return absl::UnavailableError("cannot renew server.pem: " + error.message());
  return absl::OkStatus();
}

void TlsFiles::Watch(const std::stop_token& stop) {
  while (Pause(kTlsCheckPeriod, stop)) {
    absl::Status status = RenewIfOld();
    if (status.ok()) status = TakeOver();
    Refuse(status.ok() ? "" : MessageOf(status));
  }
}

std::shared_ptr<grpc::ServerCredentials> TlsFiles::credentials() const {
  namespace tls = grpc::experimental;
  const std::filesystem::path current = paths_.in_force() / "current";
  auto provider = std::make_shared<tls::FileWatcherCertificateProvider>(
      (current / "server.key").string(), (current / "server.pem").string(),
      paths_.ca_certificate().string(), /*refresh_interval_sec=*/1);
  tls::TlsServerCredentialsOptions options(provider);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(options);
}

}  // namespace laptime
