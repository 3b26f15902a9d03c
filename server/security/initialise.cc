#include "server/security/initialise.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "proto/support/durable_file.h"
#include "proto/support/pem.h"
#include "proto/support/status.h"
#include "server/security/access_desk.h"
#include "server/security/certificate_authority.h"
#include "server/security/tls_files.h"
#include "storage/store.h"

namespace laptime {
namespace {

absl::Status Write(const std::filesystem::path& path, const std::string& text) {
  const std::error_code error = WriteStateFile(path, text);
  if (!error) return absl::OkStatus();
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  "cannot write " + path.string() + ": " + error.message(),
                  "is the disk full, or the directory somebody else's?");
}

// What the coordinator answered as until now; nothing before the first init.
std::vector<std::string> NamesBefore(const TlsPaths& paths) {
  for (const auto& chain : {paths.chain(), paths.in_force() / "current" / "server.pem"}) {
    const absl::StatusOr<Certificate> leaf =
        ParseCertificate(ReadSmallFile(chain, kMaxPemBytes).value_or(""));
    if (leaf.ok()) return NamesOf(**leaf);
  }
  return {};
}

std::vector<std::string> AllNames(const InitOptions& options) {
  std::vector<std::string> names = options.names;
  for (const auto& more : {NamesBefore({options.state_dir}), DefaultNames()}) {
    for (const std::string& name : more) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

absl::Status WriteServerPair(const TlsPaths& paths, const CertificateAuthority& authority,
                             const std::vector<std::string>& names, int64_t now) {
  absl::StatusOr<CertificateAuthority::ServerIdentity> made = authority.IssueServer(names, now);
  if (!made.ok()) return made.status();
  LAPTIME_RETURN_IF_ERROR(Write(paths.key(), made->key));
  return Write(paths.chain(), made->chain);
}

absl::Status MakeAdministrator(const TlsPaths& paths, storage::Store& store,
                               const CertificateAuthority& authority, int64_t now) {
  v1::Token description;
  description.set_role(v1::ROLE_ADMIN);
  description.set_label("init");
  description.set_created_by("laptime-server init");
  description.set_created_unix_ms(now);
  const NewToken token = MakeToken(std::move(description), authority.sha256());
  LAPTIME_RETURN_IF_ERROR(
      store.Write([&](storage::Transaction& tx) { return tx.InsertToken(token.row); }));
  return Write(paths.admin_token(), token.text + "\n");
}

absl::Status WriteAuthority(const TlsPaths& paths, const std::string& certificate_pem) {
  LAPTIME_RETURN_IF_ERROR(Write(paths.ca_certificate(), certificate_pem));
  std::error_code ignored;
  std::filesystem::permissions(
      paths.ca_certificate(),
      std::filesystem::perms::group_read | std::filesystem::perms::others_read,
      std::filesystem::perm_options::add, ignored);
  return absl::OkStatus();
}

// ca.pem again, where it is gone, or an init was cut off before it: server.pem ends with it.
absl::Status RestoreAuthority(const TlsPaths& paths) {
  const std::string chain_pem = ReadSmallFile(paths.chain(), kMaxPemBytes).value_or("");
  const std::string key_pem = ReadSmallFile(paths.ca_key(), kMaxPemBytes).value_or("");
  const absl::StatusOr<std::vector<Certificate>> chain = ParseChain(chain_pem);
  if (chain.ok()) {
    const std::string certificate_pem = PemOf(*chain->back());
    if (CertificateAuthority::Open(certificate_pem, key_pem).ok())
      return WriteAuthority(paths, certificate_pem);
  }
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  paths.ca_certificate().string() +
                      " is missing, and server.pem does not end with the certificate of ca.key",
                  "put ca.pem back from a copy; without ca.key, too, init makes a new authority, "
                  "which shuts out every machine");
}

std::string NextSteps(const TlsPaths& paths, const std::vector<std::string>& names) {
  return "this coordinator answers as " + Joined(names) +
         "\n"
         "next, here:            laptime-server serve --listen 0.0.0.0:7440 --state " +
         paths.state.string() +
         "\n"
         "                       laptime login localhost:7440 --token-file " +
         paths.admin_token().string() +
         "\n"
         "                       (umask 077; laptime token create --role agent > box.token)\n"
         "on each other machine: laptime-agent join --server " +
         names.front() + ":7440 --token-file box.token\n" +
         "                       laptime-agent run\n"
         "keep a copy of " +
         paths.ca_key().string() +
         " and ca.pem where nobody else reads it: no backup holds them, and without them every "
         "machine joins anew\n";
}

// The authority stays, and whoever it let in.
absl::StatusOr<std::string> InitialiseAgain(const TlsPaths& paths, storage::Store& store,
                                            const std::vector<std::string>& names, int64_t now) {
  const absl::StatusOr<CertificateAuthority> authority = ReadAuthority(paths);
  if (!authority.ok()) return authority.status();
  LAPTIME_RETURN_IF_ERROR(WriteServerPair(paths, *authority, names, now));
  std::string said = "the authority stays; this coordinator answers as " + Joined(names) + " now\n";
  bool has_administrator = false;
  LAPTIME_RETURN_IF_ERROR(store.Read([&](const storage::Reader& reader) -> absl::Status {
    const absl::StatusOr<std::vector<storage::TokenRow>> tokens = reader.Tokens();
    if (!tokens.ok()) return tokens.status();
    has_administrator = HasAdministrator(*tokens, now);
    return absl::OkStatus();
  }));
  if (has_administrator) return said;
  LAPTIME_RETURN_IF_ERROR(MakeAdministrator(paths, store, *authority, now));
  return said + "no administrator's token was good any more: " + paths.admin_token().string() +
         " is a new one\n";
}

}  // namespace

std::vector<std::string> DefaultNames() {
  std::vector<std::string> names;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0') {
    names.emplace_back(host.data());
  }
  for (const char* name : {"localhost", "127.0.0.1", "::1"}) names.emplace_back(name);
  return names;
}

absl::StatusOr<std::string> Initialise(const InitOptions& options, const Clock& clock) {
  const TlsPaths paths{options.state_dir};
  const std::vector<std::string> names = AllNames(options);
  const int64_t now = UnixMs(clock.WallNow());
  storage::StoreOptions store_options;
  store_options.path = (paths.state / "laptime.db").string();
  // Also keeps a running coordinator and a second init away.
  absl::StatusOr<std::unique_ptr<storage::Store>> store = storage::Store::Open(store_options);
  if (!store.ok()) return store.status();
  std::error_code ignored;
  const bool has_key = std::filesystem::exists(paths.ca_key(), ignored);
  const bool has_certificate = std::filesystem::exists(paths.ca_certificate(), ignored);
  if (has_key || has_certificate) {
    if (!has_certificate) LAPTIME_RETURN_IF_ERROR(RestoreAuthority(paths));
    return InitialiseAgain(paths, **store, names, now);
  }
  absl::StatusOr<CertificateAuthority> authority = CertificateAuthority::Create(now);
  if (!authority.ok()) return authority.status();
  LAPTIME_RETURN_IF_ERROR(WriteServerPair(paths, *authority, names, now));
  LAPTIME_RETURN_IF_ERROR(MakeAdministrator(paths, **store, *authority, now));
  LAPTIME_RETURN_IF_ERROR(Write(paths.ca_key(), authority->key_pem()));
  // Last: it is what makes the directory an initialised one.
  LAPTIME_RETURN_IF_ERROR(WriteAuthority(paths, authority->certificate_pem()));
  return NextSteps(paths, names);
}

}  // namespace laptime
